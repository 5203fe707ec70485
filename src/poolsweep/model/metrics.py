"""What is measured on validation and test."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassMatthewsCorrCoef

from poolsweep.distributed.group import all_gather


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


class MeanLoss:
    """The mean loss over all rows of a split, the same to the last bit however many processes share its batches."""

    def __init__(self) -> None:
        self._found: list[tuple[int, int, Tensor]] = []

    def add(self, mean: Tensor, *, rows: int, place: int) -> None:
        """Take note of a batch.

        Args:
            mean: Its mean loss.
            rows: Its number of rows.
            place: Its number among the batches of all processes.
        """
        self._found.append((place, rows, mean.detach()))

    def compute(self) -> Tensor:
        """The mean over the rows of all processes, added up in the order of the batches; NaN if one is."""
        found = [(place, rows, mean.item()) for place, rows, mean in self._found]
        found = sorted(part for of_one in all_gather(found) for part in of_one)
        total = sum(rows for _, rows, _ in found)
        return torch.tensor(sum(rows * mean for _, rows, mean in found) / total if total else float("nan"))

    def reset(self) -> None:
        """Forget all batches."""
        self._found.clear()
