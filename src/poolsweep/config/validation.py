"""What must hold in a config: every problem is named at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from poolsweep.config.batch_plan import batch_problems
from poolsweep.config.callbacks import average_problems, is_usual
from poolsweep.config.encoder import encoder_problems
from poolsweep.config.fine_tuning import fine_tuning_problems
from poolsweep.config.keys import Loading, Refit, Root, RowKeys, SplitKeys
from poolsweep.config.machine import device_problems, worker_problems
from poolsweep.config.own_metrics import selecting_problems
from poolsweep.config.probe import is_probe, probe_problems
from poolsweep.config.processes import distribution_problems
from poolsweep.config.ranges import range_problems
from poolsweep.config.run_config import RunConfig
from poolsweep.config.shape import SECTIONS
from poolsweep.config.targets import allowed_part, argument_problems, authorised, interpolations, nodes_with_target
from poolsweep.config.training import training_problems
from poolsweep.config.types import dataclass_problems
from poolsweep.errors import RefusedError, UserError
from poolsweep.tasks import TASKS

_OF_TRAINING = frozenset({"trainer", "optimizer", "scheduler", "callbacks", "logger", "own_metrics"})


def validate(checked: RunConfig, *, trains: bool = True) -> None:
    """Check types, targets and names in a config.

    Args:
        checked: The config, from ``resolve`` or of a record.
        trains: Whether it is to be run; else only the model that it describes is made.
    Raises:
        RefusedError: With every problem found, if one of them is a ``_target_`` that must not be run.
        UserError: With every problem found.
    """
    config = checked.content
    problems = _type_problems(config) + (training_problems(config) if trains else [])
    if not problems:  # what goes together is asked of values that are of the right types
        problems += range_problems(config)
        problems += device_problems(config["trainer"])
        problems += worker_problems(config["data"])
        problems += batch_problems(config)
        problems += distribution_problems(config)
        problems += encoder_problems(config)
        problems += fine_tuning_problems(config)
    problems += probe_problems(config)
    problems += average_problems(config)
    unresolved = [
        f"{place} must not hold ${{…}}: a config is resolved before it is run" for place in interpolations(config)
    ]
    problems += unresolved
    refused = bool(unresolved)
    for path, node in nodes_with_target(config):
        try:
            usual = path[0] == "callbacks" and is_probe(config) and is_usual(node, monitor=config["monitor"])
            if usual or (path[0] in _OF_TRAINING and not trains):  # nothing is made of it
                allowed_part(path, node, trusted=config.get("trusted"))
                continue
            part, found = authorised(path, node, trusted=config.get("trusted"))
            problems += argument_problems(".".join(path), node, found, part)
            problems += selecting_problems(path, found, config)
        except RefusedError as error:
            refused = True
            problems += error.problems
    problems = _said_once(problems, config["monitor"])
    if problems:
        raise RefusedError(*problems) if refused else UserError(*problems)


def _said_once(problems: list[str], monitor: Any) -> list[str]:  # noqa: ANN401
    """Without what callbacks say of a ``monitor`` that they take over from the root, where the root says it."""
    if not any(problem.startswith("monitor=") for problem in problems):
        return problems
    return [one for one in problems if not (".monitor must be " in one and one.endswith(f", got {monitor!r}"))]


def _type_problems(config: Mapping[str, Any]) -> list[str]:
    """Keys of the root, of the sections, of batches and of the Trainer that are of other types than they may be."""
    problems = dataclass_problems(Root, {field.name: config.get(field.name) for field in fields(Root)}, prefix="")
    for kind in (Loading, RowKeys, SplitKeys):
        keys = {field.name for field in fields(kind)} & config["data"].keys()
        problems += dataclass_problems(kind, {key: config["data"][key] for key in keys}, prefix="data.")
    options = {key: value for key, value in config["task"].items() if key != "name"}
    problems += dataclass_problems(TASKS[config["task"]["name"]], options, prefix="task.")
    for name, kind in SECTIONS.items():
        problems += dataclass_problems(kind, config[name], prefix=f"{name}.")
    if "refit" in config:
        problems += dataclass_problems(Refit, config["refit"], prefix="refit.")
    return problems
