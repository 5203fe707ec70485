"""The names of the metrics of a split, and which direction is better; nothing heavy is imported here."""

from __future__ import annotations

from typing import Literal

Monitored = Literal["val/accuracy", "val/f1_macro", "val/loss", "val/mcc"]
METRIC_NAMES = ("accuracy", "f1_macro", "loss", "mcc")
_LOWER_IS_BETTER = frozenset({"loss"})


def direction(metric: str) -> Literal["max", "min"]:
    """Whether more of a metric is better, or less.

    Args:
        metric: Name of the metric, with or without the split.
    Example:
        >>> direction("val/loss"), direction("mcc")
        ('min', 'max')
    """
    return "min" if metric.rpartition("/")[2] in _LOWER_IS_BETTER else "max"


def sign(metric: str) -> Literal[1, -1]:
    """What a metric is multiplied by so that more is better."""
    return 1 if direction(metric) == "max" else -1
