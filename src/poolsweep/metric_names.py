"""The metrics of a split: how each is called, which direction is better, and what it can be. Imports nothing heavy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        title: What a person calls it.
        direction: Whether more of it is better, or less.
        low: Lowest value that it can have.
        high: Highest value that it can have.
        unit: Whether tables show it as a percentage, times a hundred, or as it is.
    """

    title: str
    direction: Literal["max", "min"] = "max"
    low: float = 0.0
    high: float = 1.0
    unit: Literal["percent", "hundredths", "plain"] = "percent"

    @property
    def factor(self) -> int:
        """What tables multiply it by."""
        return 1 if self.unit == "plain" else 100


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric("accuracy"),
    "balanced_accuracy": Metric("balanced accuracy"),
    "top3_accuracy": Metric("top-3 accuracy"),
    "top5_accuracy": Metric("top-5 accuracy"),
    "subset_accuracy": Metric("subset accuracy"),
    "f1_macro": Metric("macro F1"),
    "f1_weighted": Metric("weighted F1"),
    "f1_micro": Metric("micro F1"),
    "mcc": Metric("Matthews correlation", low=-1.0, unit="hundredths"),
    "roc_auc": Metric("ROC-AUC", unit="hundredths"),
    "average_precision": Metric("average precision", unit="hundredths"),
    "mean_average_precision": Metric("mean average precision", unit="hundredths"),
    "pearson": Metric("Pearson correlation", low=-1.0, unit="hundredths"),
    "spearman": Metric("Spearman correlation", low=-1.0, unit="hundredths"),
    "mae": Metric("mean absolute error", "min", high=math.inf, unit="plain"),
    "rmse": Metric("root mean squared error", "min", high=math.inf, unit="plain"),
    "log_loss": Metric("log loss", "min", high=math.inf, unit="plain"),
    "loss": Metric("loss", "min", low=-math.inf, high=math.inf, unit="plain"),
}
RANKED = tuple(name for name in METRICS if name not in {"loss", "log_loss"})  # those that a report can rank by


def direction(metric: str) -> Literal["max", "min"]:
    """Whether more of a metric is better, or less.

    Args:
        metric: Name of the metric, with or without the split.
    Example:
        >>> direction("val/loss"), direction("mcc")
        ('min', 'max')
    """
    known = METRICS.get(metric.rpartition("/")[2])
    return "max" if known is None else known.direction


def metric_range(metric: str) -> float:
    """The largest difference that two values of a metric can have.

    Example:
        >>> metric_range("accuracy"), metric_range("mcc"), metric_range("rmse")
        (1.0, 2.0, inf)
    """
    return METRICS[metric].high - METRICS[metric].low


def sign(metric: str) -> Literal[1, -1]:
    """What a metric is multiplied by so that more is better."""
    return 1 if direction(metric) == "max" else -1
