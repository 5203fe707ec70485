"""The metrics that a report can rank by, and how they are written."""

from __future__ import annotations

import math

from poolsweep.errors import UserError, nearest
from poolsweep.metric_names import METRICS, RANKED
from poolsweep.terminal.text import number


def check_metric(name: str) -> str:
    """The metric's key in a result.

    Raises:
        UserError: If it is none that a report ranks by.
    Example:
        >>> check_metric("mcc")
        'test/mcc'
    """
    if name not in RANKED:
        raise UserError(f"metric {name} is none that a report ranks by; {nearest(name, RANKED)}")
    return f"test/{name}"


def title(metric: str) -> str:
    """How a metric is called in a heading, with what its numbers are.

    Example:
        >>> title("accuracy"), title("mcc")
        ('accuracy in %', 'Matthews correlation × 100')
    """
    return METRICS[metric].title + {"percent": " in %", "hundredths": " × 100", "plain": ""}[METRICS[metric].unit]


def factor(metric: str) -> int:
    """What tables and axes multiply a metric by: 100, or 1 for what has a unit of its own."""
    return METRICS[metric].factor


def points(metric: str) -> str:
    """The word behind a difference.

    Example:
        >>> points("accuracy"), points("rmse")
        (' points', '')
    """
    return " points" if factor(metric) == 100 else ""


def shown(value: float, metric: str) -> str:
    """A score as it stands in tables.

    Example:
        >>> shown(0.7797, "f1_macro"), shown(-0.00001, "mcc"), shown(float("nan"), "mcc"), shown(0.51234, "rmse")
        ('77.97', '0.00', '–', '0.5123')
    """
    if math.isnan(value):
        return "–"
    return number(100 * value, "z.2f") if factor(metric) == 100 else number(value, "z.4f")


def signed(value: float, metric: str) -> str:
    """A difference of scores as it stands in tables.

    Example:
        >>> signed(0.0378, "mcc"), signed(-0.004, "mcc"), signed(0.0, "mcc"), signed(-0.0123, "mae")
        ('+3.78', '−0.40', '0.00', '−0.0123')
    """
    if math.isnan(value):
        return "–"
    if not value:
        return "0.00"
    return number(100 * value, "+z.2f") if factor(metric) == 100 else number(value, "+z.4f")


def p_text(p_value: float) -> str:
    """A p-value as it stands in tables; rounding never hides on which side of 0.05 it lies.

    Example:
        >>> p_text(0.0004), p_text(0.0312), p_text(0.0498), p_text(1.0)
        ('< 0.001', '0.031', '< 0.050', '1.000')
    """
    if math.isnan(p_value):
        return "–"
    if p_value < 0.001:
        return "< 0.001"
    text = f"{p_value:.3f}"
    return "< 0.050" if text == "0.050" and p_value < 0.05 else text
