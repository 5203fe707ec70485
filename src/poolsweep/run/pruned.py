"""A run that a search ended: neither finished nor failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poolsweep.run.files import write_json
from poolsweep.run.folder import RunFolder


class PrunedError(Exception):
    """Other trials have shown that a run is hopeless.

    Args:
        monitor: Name of the metric.
        value: What it last was.
        validations: How many there were.
    """

    def __init__(self, monitor: str, *, value: float, validations: int) -> None:
        super().__init__(f"{monitor} {value:.4f} after {validations} validations was worse than other trials' then")
        self.metrics = {monitor: value}
        self.validations = validations


def record_pruned(folder: RunFolder, facts: Mapping[str, Any], error: PrunedError) -> dict[str, Any]:
    """Write how far a run came, and remove what it would have gone on from; gives its result."""
    for path in folder.checkpoints.glob("*"):
        path.unlink(missing_ok=True)
    result = {
        **facts, "status": "pruned", "reason": str(error), "metrics": error.metrics, "validations": error.validations,
    }  # fmt: skip
    write_json(folder.result, result, durable=True)
    return result
