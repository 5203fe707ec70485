"""What is measured on validation and test."""

from __future__ import annotations

from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassMatthewsCorrCoef

METRIC_NAMES = ("accuracy", "f1_macro", "loss", "mcc")
LOWER_IS_BETTER = frozenset({"loss"})


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
            "mcc": MulticlassMatthewsCorrCoef(num_labels, validate_args=False),
        },
        prefix=prefix,
    )
