"""The metrics of tasks, as torchmetrics computes them; imported when a run makes its model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassMatthewsCorrCoef


def classification_metrics(num_labels: int, names: Sequence[str], *, prefix: str) -> MetricCollection:
    """Metrics of one label per text.

    Args:
        num_labels: C.
        names: Their names.
        prefix: ``val/`` or ``test/``.
    """
    known: dict[str, Callable[[], Metric]] = {
        "accuracy": lambda: MulticlassAccuracy(num_labels, average="micro", validate_args=False),
        "f1_macro": lambda: MulticlassF1Score(num_labels, average="macro", validate_args=False),
        "mcc": lambda: MatthewsCorrCoef(num_labels, validate_args=False),
    }
    return MetricCollection({name: known[name]() for name in names}, prefix=prefix)


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
