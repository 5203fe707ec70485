"""What must hold in a config: every problem is named at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from poolsweep.batches import batch_problems
from poolsweep.config.keys import LOADING_KEYS, Checkpointing, Loading, Root, Storing
from poolsweep.config.parts import PARTS
from poolsweep.config.ranges import range_problems
from poolsweep.config.targets import argument_problems, authorised, interpolations, nodes_with_target
from poolsweep.config.types import dataclass_problems
from poolsweep.device import device_problems
from poolsweep.distributed.trainer import distribution_problems
from poolsweep.errors import RefusedError, UserError
from poolsweep.probe.settings import probe_problems


def validate(config: Mapping[str, Any]) -> None:
    """Check types, targets and names in a resolved config.

    Args:
        config: What ``resolve`` gave.
    Raises:
        RefusedError: With every problem found, if one of them is a ``_target_`` that must not be run.
        UserError: With every problem found.
    """
    problems = dataclass_problems(Root, {f.name: config.get(f.name) for f in fields(Root)}, prefix="")
    data = config.get("data") or {}
    problems += dataclass_problems(Loading, {key: data.get(key) for key in LOADING_KEYS}, prefix="data.")
    problems += dataclass_problems(Storing, config.get("features") or {}, prefix="features.")
    problems += dataclass_problems(Checkpointing, config.get("checkpoint") or {}, prefix="checkpoint.")
    problems += range_problems(config)
    problems += device_problems(config.get("trainer") or {})
    problems += probe_problems(config)
    problems += batch_problems(config)
    problems += distribution_problems(config)
    unresolved = [
        f"{place} must not hold ${{…}}: a config is resolved before it is run" for place in interpolations(config)
    ]
    problems += unresolved
    refused = bool(unresolved)
    for path, node in nodes_with_target(config):
        try:
            part, found = authorised(path, node, trusted=config.get("trusted"))
            problems += argument_problems(".".join(path), node, found, part)
        except RefusedError as error:
            refused = True
            problems += error.problems
    problems += [
        f"{name} must be chosen: {name}=…"
        for name in PARTS
        if "." not in name and not config.get(name) and name not in {"logger", "callbacks"}
    ]
    if problems:
        raise RefusedError(*problems) if refused else UserError(*problems)


def missing_keys(config: Mapping[str, Any]) -> list[str]:
    """What to say of keys that ``~key`` took away; not asked of records, since those of older versions lack some."""
    nodes = [("", Root, config)]
    parts = (("data", Loading), ("features", Storing), ("checkpoint", Checkpointing))
    nodes += [(f"{name}.", kind, config.get(name) or {}) for name, kind in parts]
    lacking = [
        f"{prefix}{field.name}" for prefix, kind, node in nodes for field in fields(kind) if field.name not in node
    ]
    return [f"{key} is missing: it has a default, which ~{key} takes away" for key in lacking]
