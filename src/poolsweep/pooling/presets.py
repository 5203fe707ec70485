"""Names of poolings: reads the halves and presets of ``conf/pooling`` without Hydra, and finds a config's name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from poolsweep.conf_dir import conf_dir, config_dirs

Kind = Literal["layers", "tokens", "chunks"]
_HALVES: tuple[Kind, ...] = ("layers", "tokens")

DEFAULT_CHUNKS = "truncate"  # of conf/train.yaml


def half_names(kind: Kind) -> tuple[str, ...]:
    """Names of the halves of one kind, or of the ways to read long texts, sorted."""
    return _stems(conf_dir() / "pooling" / kind)


def preset_names() -> tuple[str, ...]:
    """Names of the presets, sorted."""
    return _stems(conf_dir() / "pooling")


def load_half(kind: Kind, name: str) -> dict[str, Any]:
    """The options of one half, with its ``_target_``; a half in its ``defaults`` is merged under it.

    Raises:
        FileNotFoundError: If there is no such half.
    Example:
        >>> load_half("layers", "last4_mean")["last"]
        4
    """
    own = _read(f"pooling/{kind}/{name}.yaml")
    options: dict[str, Any] = {}
    for parent in own.pop("defaults", []):
        if parent != "_self_":
            options |= load_half(kind, parent)
    return options | own


def load_preset(name: str) -> dict[str, dict[str, Any]]:
    """Both halves of a preset, with the options that it overrides.

    Raises:
        FileNotFoundError: If there is no such preset.
    Example:
        >>> load_preset("max_cls")["layers"]["last"]
        3
    """
    own = _read(f"pooling/{name}.yaml")
    halves: dict[str, dict[str, Any]] = {}
    for default in own.pop("defaults"):
        if default != "_self_":
            halves |= {kind: load_half(kind, half) for kind, half in default.items()}
    return {kind: options | own.get(kind, {}) for kind, options in halves.items()}


def describe(path: Path) -> str:
    """The first comment line of a YAML: what it is, in one sentence."""
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("#").strip()


def pooling_name(config: Mapping[str, Mapping[str, Any]]) -> str:
    """The name of a resolved pooling: its preset's, or ``layers+tokens`` by its halves.

    A half that no YAML equals has the name of the nearest one, with the options that differ in brackets; a class that
    no YAML speaks of has its own name. What reads long texts is named where it is not the default.

    Args:
        config: ``layers``, ``tokens`` and perhaps ``chunks``, each with ``_target_`` and its options, without derived
            sizes.
    Example:
        >>> pooling_name(load_preset("masked_mean"))
        'masked_mean'
        >>> pooling_name({"layers": load_half("layers", "concat") | {"last": 3}, "tokens": load_half("tokens", "mean")})
        'concat[last=3]+mean'
        >>> pooling_name(load_preset("masked_mean") | {"chunks": load_half("chunks", "truncate") | {"keep": "tail"}})
        'masked_mean+truncate_chunks[keep=tail]'
    """
    return _name_of_halves({kind: dict(config[kind]) for kind in _HALVES}) + _name_of_chunks(config.get("chunks"))


def _name_of_halves(halves: dict[Kind, dict[str, Any]]) -> str:
    for name, preset in _all_presets(config_dirs()).items():
        if preset == halves:
            return name
    return "+".join(half_name(kind, options) for kind, options in halves.items())


def _name_of_chunks(chunks: Mapping[str, Any] | None) -> str:
    if chunks is None or chunks == load_half("chunks", DEFAULT_CHUNKS):
        return ""
    name, bracket, options = half_name("chunks", chunks).partition("[")
    return f"+{name}_chunks{bracket}{options}"


def half_name(kind: Kind, options: Mapping[str, Any]) -> str:
    """The name of one half of a resolved pooling, see ``pooling_name``.

    Example:
        >>> half_name("layers", load_half("layers", "last4_concat"))
        'last4_concat'
    """
    target = str(options["_target_"])
    module, _, class_name = target.rpartition(".")
    stem = module.rpartition(".")[2]
    halves = {name: half for name, half in _all_halves(kind, config_dirs()).items() if half["_target_"] == target}
    if not halves:
        return class_name + _brackets(options, {"_target_": target})
    equal = [name for name, half in halves.items() if half == options]
    if equal:
        return next((name for name in equal if name != stem), equal[0])  # last4_concat says more than concat
    nearest = stem if stem in halves else next(iter(halves))
    return nearest + _brackets(options, halves[nearest])


def _brackets(options: Mapping[str, Any], half: Mapping[str, Any]) -> str:
    differing = {key: value for key, value in sorted(options.items()) if key not in half or half[key] != value}
    if not differing:
        return ""
    written = (v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in differing.values())
    return "[" + ",".join(f"{key}={value}" for key, value in zip(differing, written, strict=True)) + "]"


@cache
def _all_presets(folders: tuple[Path, ...]) -> dict[str, dict[str, dict[str, Any]]]:
    own = (name for folder in folders[1:] for name in _stems(folder / "pooling") if _is_preset(name))
    return {name: load_preset(name) for name in (*preset_names(), *own)}


def _is_preset(name: str) -> bool:
    """Whether a file of a user's own names its halves as ours do; Hydra reads it in other ways too."""
    try:
        return load_preset(name).keys() == {"layers", "tokens"}
    except (AttributeError, KeyError, TypeError, ValueError, OSError, yaml.YAMLError):
        return False


@cache
def _all_halves(kind: Kind, folders: tuple[Path, ...]) -> dict[str, dict[str, Any]]:
    names = dict.fromkeys(name for folder in folders for name in _stems(folder / "pooling" / kind))
    return {name: load_half(kind, name) for name in names}


def _stems(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def _read(place: str) -> dict[str, Any]:
    path = next((found for folder in config_dirs() if (found := folder / place).is_file()), conf_dir() / place)
    return deepcopy(_parsed(path.read_text(encoding="utf-8")))


@lru_cache(maxsize=256)  # presets share their halves
def _parsed(text: str) -> dict[str, Any]:
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # libyaml's, where it is
