"""Configs of a sweep that differ in plain values alone: what they share is composed and resolved once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

OF_THE_SWEEP = ("hydra", "race", "sweep")  # they choose which runs are made, and are no part of any

Apply = Callable[[DictConfig], None]  # sets values in a config, as Hydra does


def without_sweep(config: DictConfig) -> DictConfig:
    """A config without what is Hydra's or the sweep's; itself where it has nothing of it."""
    ours = [str(key) for key in config if key not in OF_THE_SWEEP]
    return config if len(ours) == len(config) else OmegaConf.masked_copy(config, ours)


@dataclass(frozen=True)
class SharedConfig:
    """The config of one combination.

    Attributes:
        shared: What it shares with others.
        values: Swept keys, each with what sets it.
    """

    shared: Shared
    values: Mapping[str, Apply]

    def resolved(self) -> dict[Any, Any] | None:
        """Its content, every interpolation resolved; None where ``composed`` must be asked, which says what is wrong.

        The plain containers are its own.
        """
        return self.shared.resolved(self.values)

    def composed(self) -> DictConfig:
        """The same as a config of its own."""
        config = copy.deepcopy(self.shared.config)
        for apply in self.values.values():
            apply(config)
        return config


Composed = DictConfig | SharedConfig


@dataclass
class _Interpolation:
    """A place with ``${…}``.

    Attributes:
        path: Keys that lead to it.
        parent: Node that holds it, in a config that says which of the swept keys are read.
        known: Places of swept keys that were read → their values → what came out.
    """

    path: tuple[Any, ...]
    parent: Any
    known: dict[tuple[int, ...], dict[tuple[str, ...], Any]] = field(default_factory=dict)


class Shared:
    """A composition that several combinations share.

    What an interpolation gives depends on those swept keys that are read while it is resolved. They are watched, and it
    is resolved once for each of their values.

    Args:
        config: Composed, without the swept values.
    """

    def __init__(self, config: DictConfig) -> None:
        self.config = config
        self._resolvers: dict[tuple[str, ...], _Resolver | None] = {}
        self._tried = copy.deepcopy(config)
        self._values: dict[Apply, tuple[str, Any] | None] = {}

    def with_values(self, values: Mapping[str, Apply]) -> SharedConfig:
        """The config of a combination.

        Args:
            values: Swept keys, none within another, each with what sets it.
        Raises:
            Exception: What Hydra says of a value that cannot be set.
        """
        for key, apply in values.items():
            if apply not in self._values:
                apply(self._tried)
                self._values[apply] = _plain_value(self._tried, key)
        return SharedConfig(self, values)

    def resolved(self, values: Mapping[str, Apply]) -> dict[Any, Any] | None:
        """See ``SharedConfig``."""
        found = [self._values[apply] for apply in values.values()]
        told = [one for one in found if one is not None]
        keys = tuple(values)
        if keys not in self._resolvers:
            self._resolvers[keys] = _resolver_for(without_sweep(self.config), keys)
        resolver = self._resolvers[keys]
        if resolver is None or len(told) < len(found):
            return None
        return resolver.resolved([value for _, value in told], [token for token, _ in told])


def _plain_value(config: DictConfig, key: str) -> tuple[str, Any] | None:
    """A value as it stands in a config, with a text that tells it from others; None if it is no plain one."""
    node, last = _parent_of(config, key)
    if not _is_written(node, last):
        return None
    value = node[last]
    return (f"{type(value).__name__} {value!r}", value) if type(value) in (type(None), bool, int, float, str) else None


def _parent_of(config: Any, key: str) -> tuple[Any, str]:  # noqa: ANN401
    """The mapping that holds a dotted key, and the key in it; None for a mapping that is not written out."""
    *above, last = key.split(".")
    node: Any = config
    for one in above:
        node = node.get(one) if _is_written(node, one) else None
    return (node if isinstance(node, DictConfig) and last in node.keys() else None), last  # noqa: SIM118


def _is_written(node: Any, key: str) -> bool:  # noqa: ANN401
    """Whether a node is a mapping with a key that neither is missing nor stands for another."""
    if not isinstance(node, DictConfig) or key not in node.keys():  # noqa: SIM118
        return False
    return not OmegaConf.is_interpolation(node, key) and not OmegaConf.is_missing(node, key)


def _resolver_for(config: DictConfig, keys: Sequence[str]) -> _Resolver | None:
    """What resolves a config for values of some keys; None where one of them holds no value, but a mapping or list."""
    raw = OmegaConf.to_container(config)
    assert isinstance(raw, dict)
    watched = copy.deepcopy(config)
    for place, key in enumerate(keys):
        parent, last = _parent_of(watched, key)
        node = raw
        for one in key.split("."):
            node = node.get(one, {}) if isinstance(node, dict) else {}
        if parent is None or isinstance(node, dict | list):
            return None
        parent[last] = f"${{{_WATCH}:{place}}}"
    return _Resolver(raw, watched, [tuple(key.split(".")) for key in keys])


class _Resolver:
    """Resolves a config for values of some of its keys.

    Args:
        raw: Plain containers of the config, not resolved.
        watched: The same, with what tells that it is read in place of each key.
        paths: Swept keys, in parts.
    """

    def __init__(self, raw: dict[Any, Any], watched: DictConfig, paths: Sequence[tuple[str, ...]]) -> None:
        self._raw, self._paths = raw, paths
        self._interpolations = [one for one in _interpolations(raw, watched) if one.path not in set(paths)]

    def resolved(self, values: Sequence[Any], tokens: Sequence[str]) -> dict[Any, Any] | None:
        content = _copied(self._raw)
        for path, value in zip(self._paths, values, strict=True):
            _set(content, path, value)
        for one in self._interpolations:
            try:
                _set(content, one.path, _copied(_known(one, values, tokens)))
            except OmegaConfBaseException:
                return None
        return content


def _known(one: _Interpolation, values: Sequence[Any], tokens: Sequence[str]) -> Any:  # noqa: ANN401
    for places, known in one.known.items():
        read = tuple(tokens[place] for place in places)
        if read in known:
            return known[read]
    _watch.values, _watch.read = values, set()
    value = one.parent[one.path[-1]]
    value = OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
    places = tuple(sorted(_watch.read))
    one.known.setdefault(places, {})[tuple(tokens[place] for place in places)] = value
    return value


def _interpolations(raw: Any, node: Any, path: tuple[Any, ...] = ()) -> list[_Interpolation]:  # noqa: ANN401
    """All places with ``${…}`` in plain containers, and the nodes that hold them."""
    found = []
    for key, value in raw.items() if isinstance(raw, dict) else enumerate(raw):
        here = (*path, key)
        if isinstance(value, dict | list):
            found += _interpolations(value, node[key], here)
        elif isinstance(value, str) and "${" in value:
            assert isinstance(node, DictConfig | ListConfig)
            found.append(_Interpolation(here, node))
    return found


def _copied(node: Any) -> Any:  # noqa: ANN401
    if isinstance(node, dict):
        return {key: _copied(value) for key, value in node.items()}
    return [_copied(value) for value in node] if isinstance(node, list) else node


def _set(content: Any, path: tuple[Any, ...], value: Any) -> None:  # noqa: ANN401
    for key in path[:-1]:
        content = content[key]
    content[path[-1]] = value


class _Watch:
    """Values of swept keys, and which of them have been read."""

    def __init__(self) -> None:
        self.values: Sequence[Any] = ()
        self.read: set[int] = set()

    def __call__(self, place: int) -> Any:  # noqa: ANN401
        self.read.add(place)
        return self.values[place]


_WATCH = "poolsweep_swept"
_watch = _Watch()
OmegaConf.register_new_resolver(_WATCH, lambda place: _watch(place), replace=True)
