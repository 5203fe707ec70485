"""A run that Optuna's pruner ended: neither finished nor failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolsweep.runs.checkpoints import CheckpointStore
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.records import write_result
from poolsweep.terminal.text import number


class PrunedError(Exception):
    """Optuna's pruner ended a run: other trials were better by then.

    Args:
        monitor: Name of the metric.
        value: Last value of the metric.
        validations: Number of validations.
    """

    kind = "pruned"

    def __init__(self, monitor: str, *, value: float, validations: int) -> None:
        super().__init__(
            f"{monitor} {number(value, '.4f')} after {validations} validations was worse than other trials' then"
        )
        self.facts = {"metrics": {monitor: value}, "validations": validations}


def record_pruned(folder: RunFolder, facts: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    """Write how far a run came, and remove what it would have gone on from; gives its result.

    Args:
        folder: The run's.
        facts: What is known of any run.
        error: A ``PrunedError``, or what tells of one in another process of the run.
    """
    CheckpointStore(folder.checkpoints).clear_all()
    result = {**facts, "status": "pruned", "reason": str(error), **getattr(error, "facts", {})}
    return write_result(folder.path, result, durable=True)
