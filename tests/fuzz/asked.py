"""What a command line asks for, worked out by Hydra's own library: configs, unknown keys, values of wrong types."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import OverrideParseException
from keys import all_keys, arguments_of
from lines import Line
from omegaconf import OmegaConf
from values import NOTHING, fits

from poolsweep.cli.quoting import quoted
from poolsweep.conf_dir import conf_dir
from poolsweep.config.settle import settled, with_task

_DECIDES = (
    "sweep=",
    "hydra/sweeper=",
    "experiment=",
    "optuna.",
    "race.",
    "sweep.",
)  # lines whose runs are the program's choice
_NOT_OF_A_RUN = ("hydra", "race", "sweep")
_FREE = ("hydra.", "callbacks.", "logger.")  # below these anything may be named; what it makes is checked elsewhere


def is_told(line: Line) -> bool:
    """Whether Hydra's own parser says what a line asks for: the program rewrites more of it than that takes."""
    try:
        OverridesParser.create().parse_overrides(quoted(line.overrides))
    except OverrideParseException:
        return False
    return True


def expected_configs(line: Line) -> list[dict[str, Any]]:
    """The resolved config of each run that a line asks for; none if the program chooses the runs."""
    if any(one.lstrip("+~").startswith(_DECIDES) for one in line.overrides):
        return []
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return [_settled(_config(overrides)) for overrides in _combinations(line)]


def unknown_keys(line: Line) -> list[str]:
    """Typed keys that no YAML has and no class takes."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        [first, *_] = _combinations(line)
        config = _config(first, resolve=False)
    known = {key.path for key in all_keys()}
    return [
        override.key_or_group
        for override in _parsed(line)
        if override.is_add() or override.is_force_add()
        if not _is_known(override.key_or_group, config, known)
    ]


def wrong_types(line: Line, config: dict[str, Any]) -> Iterator[str]:
    """Values that were typed, are in a run's config, and are not of their key's type."""
    hints = {key.path: key.hint for key in all_keys() if key.hint is not NOTHING}
    for override in _parsed(line):
        found: Any = config
        for step in override.key_or_group.split("."):
            found = found.get(step, NOTHING) if isinstance(found, dict) else NOTHING
        is_used = line.is_sweep or not override.key_or_group.startswith(("optuna.", "race."))
        if found is not NOTHING and not isinstance(found, dict) and is_used:
            target = _target_above(override.key_or_group.split("."), config)
            hint = (arguments_of(target) or {} if target else {}).get(
                override.key_or_group.rpartition(".")[2], hints.get(override.key_or_group, NOTHING)
            )
            if not fits(found, hint):
                kind = hint if hint is not NOTHING else "a value of such a key"
                yield f"takes {override.key_or_group}={found!r}, which is not {kind}"


def _config(overrides: tuple[str, ...], *, resolve: bool = True) -> dict[str, Any]:
    config = compose("train", overrides=list(overrides))
    part = OmegaConf.masked_copy(config, [str(key) for key in config if key not in _NOT_OF_A_RUN])
    content = OmegaConf.to_container(part, resolve=resolve)
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def _settled(config: dict[str, Any]) -> dict[str, Any]:
    """With what follows where a config leaves it open; the fuzzer's tables are all of classes."""
    found = with_task(config, "classification") if config.get("task") == {"name": "auto"} else config
    named = {name: node for name, node in (found.get("callbacks") or {}).items() if node != {}}
    return settled(found | {"callbacks": named})


def _combinations(line: Line) -> Iterator[tuple[str, ...]]:
    parsed = OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(quoted(line.overrides))
    axes = [
        [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
        if override.is_sweep_override() and not override.is_delete() else [str(override.input_line)]
        for override in parsed
    ]  # fmt: skip
    return itertools.product(*axes)


def _parsed(line: Line) -> list[Override]:
    return [
        override
        for override in OverridesParser.create().parse_overrides(quoted(line.overrides))
        if not override.is_delete()
    ]


def _is_known(path: str, config: dict[str, Any], known: set[str]) -> bool:
    if path in known or path.startswith(_FREE) or (conf_dir() / path).is_dir():
        return True
    steps = path.split(".")
    above = _target_above(steps, config)
    return above is not None and (
        steps[-1] == "_target_" or (taken := arguments_of(above)) is None or steps[-1] in taken
    )


def _target_above(steps: list[str], config: dict[str, Any]) -> str | None:
    node: Any = config
    for step in steps[:-1]:
        node = node.get(step) if isinstance(node, dict) else None
    return node.get("_target_") if isinstance(node, dict) else None
