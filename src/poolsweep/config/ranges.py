"""Whether the numbers and names of a config are such as can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolsweep.errors import nearest
from poolsweep.tasks import TASKS


def range_problems(config: Mapping[str, Any]) -> list[str]:
    """What does not go together in a resolved config whose keys are of the right types."""
    problems = []
    monitored = TASKS[config["task"]].monitored
    if config["monitor"] not in monitored:
        problems.append(f"monitor={config['monitor']} is no validation metric; {nearest(config['monitor'], monitored)}")
    problems += _batching_problems(config)
    study = config["study"]
    if study.startswith(".") or "/" in study or "\\" in study:
        problems.append(f"study={study!r} must be the name of one folder, without a slash and not starting with a dot")
    return problems


def _batching_problems(config: Mapping[str, Any]) -> list[str]:
    data, trainer = config.get("data") or {}, config.get("trainer") or {}
    if data.get("batching") != "by_tokens":
        return []
    problems = []
    if (config.get("encoder") or {}).get("frozen"):
        problems.append("data.batching=by_tokens needs an encoder that is trained; of a frozen one heads read vectors")
    if trainer.get("devices", 1) not in (1, "1", [0]) or trainer.get("num_nodes", 1) != 1:
        problems.append(f"data.batching=by_tokens runs on one device, got trainer.devices={trainer.get('devices')}")
    length, tokens = data.get("max_length"), data.get("max_tokens")
    if type(length) is int and type(tokens) is int and tokens < 3 * length:
        problems.append(f"data.max_tokens must be at least three times data.max_length={length}, got {tokens}")
    return problems
