"""Reads the pooling configs without Hydra, to name a pooling and to list the presets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from poolsweep.conf_dir import conf_dir


@cache
def preset_names() -> tuple[str, ...]:
    """Names of all presets, sorted."""
    return tuple(sorted(path.stem for path in (conf_dir() / "pooling").glob("*.yaml")))


@cache
def half_names(kind: str) -> tuple[str, ...]:
    """Names of all layer mixes (``layers``) or token poolings (``tokens``), sorted."""
    return tuple(sorted(path.stem for path in (conf_dir() / "pooling" / kind).glob("*.yaml")))


def load_half(kind: str, name: str) -> dict[str, Any]:
    """The config of a layer mix (``layers``) or a token pooling (``tokens``)."""
    content = yaml.safe_load((conf_dir() / "pooling" / kind / f"{name}.yaml").read_text(encoding="utf-8"))
    merged: dict[str, Any] = {}
    for base in content.pop("defaults", []):
        if base != "_self_":
            merged |= load_half(kind, base)
    return merged | content


def load_preset(name: str) -> dict[str, dict[str, Any]]:
    """The config of a preset: ``layers`` and ``tokens``."""
    content = yaml.safe_load((conf_dir() / "pooling" / f"{name}.yaml").read_text(encoding="utf-8"))
    halves: dict[str, Any] = {}
    for entry in content.pop("defaults", []):
        if isinstance(entry, dict):
            halves |= {kind: load_half(kind, half) for kind, half in entry.items()}
    return {kind: halves[kind] | content.get(kind, {}) for kind in ("layers", "tokens")}


def pooling_name(config: Mapping[str, Any]) -> str:
    """How a pooling is called: its preset, or ``layers+tokens`` with the options that differ from their YAML's."""
    for name in preset_names():
        if load_preset(name) == {"layers": config["layers"], "tokens": config["tokens"]}:
            return name
    return f"{_half_name('layers', config['layers'])}+{_half_name('tokens', config['tokens'])}"


def _half_name(kind: str, node: Mapping[str, Any]) -> str:
    best: tuple[int, str] | None = None
    for name in half_names(kind):
        known = load_half(kind, name)
        if known["_target_"] == node["_target_"]:
            differing = {k: v for k, v in node.items() if known.get(k) != v}
            options = ",".join(f"{k}={v}" for k, v in sorted(differing.items()))
            candidate = (len(differing), f"{name}[{options}]" if options else name)
            best = min(best, candidate) if best else candidate
    return best[1] if best else str(node["_target_"]).rsplit(".", 1)[-1]
