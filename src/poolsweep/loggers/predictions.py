"""The predictions of a run in the size that a tracker can show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow.parquet as pq

from poolsweep.runs.folder import RunFolder

_MOST_CLASSES = 40  # a confusion matrix of more cannot be read, and W&B draws 10,000 cells at most
OTHERS = "(other labels)"


@dataclass(frozen=True)
class CappedPredictions:
    """Predictions of one split.

    Attributes:
        names: Labels; the rarest of very many stand together as ``(other labels)``.
        labels: Place in ``names`` of each text's label.
        predicted: Names of what was predicted.
        rows: A table of some texts, wrong predictions first and the surest of them first.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = ("row_id", "label", "predicted", "probability", "correct")

    names: list[str]
    labels: list[int]
    predicted: list[int]
    rows: list[Any]


def read_predictions(folder: RunFolder, *, split: str, max_rows: int) -> CappedPredictions:
    """Read the predictions of a finished run.

    Args:
        folder: The run's.
        split: validation or test.
        max_rows: Most rows of the table.
    """
    table = pq.read_table(folder.predictions(split))
    labels, predicted = table["label"].to_pylist(), table["predicted"].to_pylist()
    surest = np.array(table["probabilities"].to_pylist(), dtype=np.float64).max(axis=1)
    correct = np.array(labels, dtype=object) == np.array(predicted, dtype=object)
    order = np.lexsort((-surest, correct))[:max_rows]
    row_ids = table["row_id"].to_pylist()
    rows = [[row_ids[i], labels[i], predicted[i], round(float(surest[i]), 6), bool(correct[i])] for i in order]
    names = _frequent([*labels, *predicted])
    place = {name: index for index, name in enumerate(names)}
    last = len(names) - 1
    return CappedPredictions(
        names, [place.get(name, last) for name in labels], [place.get(name, last) for name in predicted], rows
    )


def _frequent(seen: list[str]) -> list[str]:
    counts = Counter(seen)
    if len(counts) <= _MOST_CLASSES:
        return sorted(counts)
    return [*sorted(name for name, _ in counts.most_common(_MOST_CLASSES - 1)), OTHERS]
