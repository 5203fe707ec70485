"""One label per text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from poolsweep.errors import UserError
from poolsweep.tasks.label_checks import why_no_classes
from poolsweep.tasks.labels import Labels
from poolsweep.tasks.metric_names import METRIC_NAMES
from poolsweep.tasks.task import Task

if TYPE_CHECKING:
    from torch import Tensor
    from torchmetrics import MetricCollection

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them


class Classification(Task):
    """Each text has one of C labels; logit i is label id i."""

    name = "classification"
    metrics = METRIC_NAMES

    def labels(self, column: pa.ChunkedArray, *, given: Sequence[str] | None) -> Labels:
        """Label names: as given, or those of the training split in their order."""
        if given is None:
            return Labels.from_names(pc.unique(column).to_pylist())
        twice = [name for name, count in Counter(given).items() if count > 1]
        if twice:
            raise UserError(f"data.labels has {twice[0]!r} more than once")
        return Labels(tuple(given))

    def objection(self, labels: Labels, column: pa.ChunkedArray, *, row_ids: np.ndarray) -> str | None:
        """Several labels a row, scores, or a name for nearly every row."""
        return why_no_classes(labels, column, row_ids=row_ids)

    def output_size(self, labels: Labels) -> int:
        """C."""
        return len(labels)

    def measures(self, outputs: int, *, prefix: str) -> MetricCollection:
        """Accuracy, macro F1 and Matthews' correlation coefficient."""
        from poolsweep.tasks.metrics import classification_metrics

        return classification_metrics(outputs, prefix=prefix)

    def predicted(self, logits: Tensor) -> Tensor:
        """Probabilities (B, C)."""
        return logits.float().softmax(dim=-1)

    def columns(self, labels: Labels, targets: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
        """Columns label and predicted (names) and probabilities (one list per row)."""
        names = pa.array(labels.names, pa.string())
        return {
            "label": names.take(pa.array(targets)),
            "predicted": names.take(pa.array(predicted.argmax(axis=1))),
            "probabilities": pa.FixedSizeListArray.from_arrays(predicted.ravel(), predicted.shape[1]),
        }

    def answers(self, labels: Labels, predicted: np.ndarray, *, all_outputs: bool) -> dict[str, pa.Array]:
        """Columns predicted (a name), probability (its own) and, of all outputs, probability_NAME for each label."""
        best = predicted.argmax(axis=1)
        found = {
            "predicted": pa.array(labels.names, pa.string()).take(pa.array(best)),
            "probability": pa.array(predicted[np.arange(len(best)), best], pa.float32()),
        }
        if all_outputs:
            found |= {f"probability_{name}": pa.array(predicted[:, i]) for i, name in enumerate(labels.names)}
        return found
