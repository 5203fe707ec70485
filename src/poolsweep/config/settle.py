"""Fills in what follows from the task where a config leaves it open: metrics, which of them selects, and the loss."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any

from omegaconf import OmegaConf

from poolsweep.conf_dir import conf_dir
from poolsweep.tasks import TASKS, Classification


def settled(content: Mapping[str, Any]) -> dict[str, Any]:
    """A config in which ``metrics`` and ``monitor`` are given; of another shape than a config, it is left as it is.

    Args:
        content: Resolved; its task is named.
    """
    found, task = dict(content), content.get("task")
    kind = TASKS.get(str(task.get("name"))) if isinstance(task, Mapping) else None
    if kind is None:
        return found
    if found.get("metrics", "") is None:
        found["metrics"] = list(kind.default_metrics)
    metrics = found.get("metrics")
    if found.get("monitor", "") is None and isinstance(metrics, list) and metrics:
        found["monitor"] = f"val/{metrics[0]}"
    callbacks = found.get("callbacks")
    if isinstance(callbacks, Mapping):
        found["callbacks"] = {name: _monitored(node, found.get("monitor")) for name, node in callbacks.items()}
    return found


def with_task(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A config with a task that was found, and with the task's own loss where none was chosen.

    Args:
        content: Resolved; its task is ``auto``.
        name: Name of the task.
    """
    found = {**content, "task": option("task", name)["task"]}
    chosen = content.get("loss") != option("loss", Classification.default_loss)
    return found if chosen else found | {"loss": option("loss", TASKS[name].default_loss)}


@cache
def _option(group: str, name: str) -> Any:  # noqa: ANN401
    content = OmegaConf.load(conf_dir() / group / f"{name}.yaml")
    ours = OmegaConf.masked_copy(content, [key for key in content if key != "defaults"])  # type: ignore[arg-type]
    return OmegaConf.to_container(ours, resolve=True)


def option(group: str, name: str) -> dict[str, Any]:
    """What an option of a config group that needs no other group holds.

    Args:
        group: Such as loss.
        name: Such as cross_entropy.
    """
    found = copy.deepcopy(_option(group, name))
    assert isinstance(found, dict)
    return {str(key): value for key, value in found.items()}


def _monitored(node: Any, monitor: Any) -> Any:  # noqa: ANN401
    """A callback that watches what the run does unless it says otherwise."""
    if isinstance(node, Mapping) and node.get("monitor", "") is None:
        return {**node, "monitor": monitor}
    return node
