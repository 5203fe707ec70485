"""What differs between tasks; nothing here imports torch before a model is made."""

from collections.abc import Mapping
from typing import Any

from poolsweep.tasks.classification import Classification
from poolsweep.tasks.contract import Contract
from poolsweep.tasks.multilabel import Multilabel
from poolsweep.tasks.outcomes import LabelCounts, Outcomes, Readout
from poolsweep.tasks.regression import Regression
from poolsweep.tasks.similarity import Similarity
from poolsweep.tasks.task import Task
from poolsweep.tasks.temperature import Calibrate

__all__ = [
    "AUTO", "TASKS", "Calibrate", "Classification", "Contract", "LabelCounts", "Multilabel", "Outcomes", "Readout",
    "Regression", "Similarity", "Task", "make_task",
]  # fmt: skip

_ALL = (Classification, Multilabel, Regression, Similarity)  # a task of its own joins here
TASKS: dict[str, type[Task]] = {task.name: task for task in _ALL}
AUTO = "auto"  # the task follows from the targets; no run is recorded so


def make_task(node: Mapping[str, Any], *, calibrate: Calibrate = "none") -> Task:
    """The task of a config.

    Args:
        node: Name of the task, and its options.
        calibrate: The root key of this name.
    """
    options = {key: _hashable(value) for key, value in node.items() if key != "name"}
    return TASKS[node["name"]](**options, calibrate=calibrate)


def _hashable(value: Any) -> Any:  # noqa: ANN401
    """Lists and mappings as tuples, by which tasks can be told apart."""
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), one) for key, one in value.items()))
    return tuple(value) if isinstance(value, list) else value
