"""The predictions of a run in the size that a tracker can show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from poolsweep.report.predicted import Predicted, read_predictions
from poolsweep.report.results import RunRecord
from poolsweep.runs.folder import RunFolder

_MOST_CLASSES = 40  # a confusion matrix of more cannot be read, and W&B draws 10,000 cells at most
OTHERS = "(other labels)"


@dataclass(frozen=True)
class Confusion:
    """What a confusion matrix is drawn of.

    Attributes:
        names: Labels; the rarest of very many stand together as ``(other labels)``.
        labels: Place in ``names`` of each text's label.
        predicted: Places of what was predicted.
    """

    names: list[str]
    labels: list[int]
    predicted: list[int]


@dataclass(frozen=True)
class CappedPredictions:
    """Predictions of one split.

    Attributes:
        columns: Names of the table's columns.
        rows: A table of some texts, the worst predictions first.
        confusion: For a confusion matrix; None where a text may have any number of labels, or none.
    """

    columns: list[Any]
    rows: list[Any]
    confusion: Confusion | None


def capped_predictions(folder: RunFolder, *, split: str, max_rows: int) -> CappedPredictions | None:
    """Read the predictions of a finished run; None where there are none.

    Args:
        folder: The run's.
        split: validation or test.
        max_rows: Most rows of the table.
    """
    found = read_predictions(RunRecord(folder.path, folder.finished() or {}), split=split, outputs=True)
    if found is None or found.outputs is None:
        return None
    task, contract, outputs = found.task, found.contract, found.outputs.reshape(len(found.targets), -1)
    worst = np.argsort(-task.errors(contract, found), kind="stable")[:max_rows]
    label = task.columns(contract, found.targets[worst], outputs[worst])["label"]
    columns = {"row_id": found.row_ids[worst], "label": label}
    columns |= task.answers(contract, outputs[worst], all_outputs=False)
    right = found.right
    columns |= {"error": task.errors(contract, found)[worst]} if right is None else {"correct": right[worst]}
    rows = zip(*(_shown(column, contract.separator) for column in columns.values()), strict=True)
    return CappedPredictions(list(columns), [list(row) for row in rows], _confusion(found))


def _shown(column: Any, separator: str) -> list[Any]:  # noqa: ANN401
    """Values as a tracker's table takes them: names as text, numbers rounded."""
    values = column.to_pylist() if isinstance(column, pa.Array | pa.ChunkedArray) else column.tolist()
    shown = [separator.join(value) if isinstance(value, list) else value for value in values]
    return [round(value, 6) if isinstance(value, float) else value for value in shown]


def _confusion(found: Predicted) -> Confusion | None:
    if "confusion" not in found.task.charts:
        return None
    labels, predicted = ([found.names[i] for i in ids] for ids in (found.targets, found.predicted))
    names = _frequent([*labels, *predicted])
    place, last = {name: index for index, name in enumerate(names)}, len(names) - 1
    return Confusion(names, *([place.get(name, last) for name in each] for each in (labels, predicted)))


def _frequent(seen: list[str]) -> list[str]:
    counts = Counter(seen)
    if len(counts) <= _MOST_CLASSES:
        return sorted(counts)
    return [*sorted(name for name, _ in counts.most_common(_MOST_CLASSES - 1)), OTHERS]
