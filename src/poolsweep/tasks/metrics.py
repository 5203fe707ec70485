"""The metrics of tasks, as torchmetrics computes them; imported when a run makes its model."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassMatthewsCorrCoef


def classification_metrics(num_labels: int, *, prefix: str) -> MetricCollection:
    """Accuracy, macro F1 and Matthews' correlation coefficient.

    Args:
        num_labels: C.
        prefix: ``val/`` or ``test/``.
    """
    return MetricCollection(
        {
            "accuracy": MulticlassAccuracy(num_labels, average="micro", validate_args=False),
            "f1_macro": MulticlassF1Score(num_labels, average="macro", validate_args=False),
            "mcc": MatthewsCorrCoef(num_labels, validate_args=False),
        },
        prefix=prefix,
    )


class MatthewsCorrCoef(MulticlassMatthewsCorrCoef):
    """Matthews' correlation coefficient, R_K for several classes; 0 where all labels or all predictions are one class.

    As scikit-learn has it, and as ``poolsweep.statistics.mcc_scores`` has it for the report. torchmetrics gives
    two classes up to ±1 instead where only one is predicted.

    Reference:
        Gorodkin (2004), "Comparing two K-category assignments by a K-category correlation coefficient". Differs: none.
    """

    def compute(self) -> Tensor:
        """The coefficient of all rows so far."""
        confusion: Tensor = self.confmat  # type: ignore[assignment]
        counts = confusion.cpu().double()
        rows, columns, total = counts.sum(dim=1), counts.sum(dim=0), counts.sum()
        spreads = (total**2 - rows @ rows) * (total**2 - columns @ columns)
        if spreads == 0:
            return torch.zeros((), device=confusion.device)
        found = (counts.trace() * total - rows @ columns) / spreads.sqrt()
        return found.float().to(confusion.device)
