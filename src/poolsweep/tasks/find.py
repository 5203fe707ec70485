"""Finds the task of a target column, where the column leaves no doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from poolsweep.tasks import TASKS, Classification


@dataclass(frozen=True)
class FoundTask:
    """A task that was found.

    Attributes:
        name: Name that ``task=`` chooses it by.
        why: What of the column says so; None = nothing says another than the usual one.
    """

    name: str
    why: str | None = None


def find_task(column: pa.ChunkedArray, *, row_ids: np.ndarray, given: Sequence[str] | None) -> FoundTask:
    """The task that a target column is plainly for, else classification.

    Args:
        column: Targets of the training split, none of them blank.
        row_ids: Rows of these in the file, 0 = first after the header.
        given: Label names of the config or of the source; None = they follow from the column.
    Shape:
        column (N,) string and row_ids (N,).
    Example:
        >>> find_task(pa.chunked_array([["joy", "fear"]]), row_ids=np.arange(2), given=None)
        FoundTask(name='classification', why=None)
    """
    for name, task in TASKS.items():
        if (why := task.recognised(column, row_ids=row_ids, given=given)) is not None:
            return FoundTask(name, why)
    return FoundTask(Classification.name)
