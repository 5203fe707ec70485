"""Means over seeds and paired differences, with 95% t intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Interval:
    """A mean and the half-width of its 95% interval; NaN where one value cannot give it.

    Attributes:
        mean: Of the values.
        half_width: The interval is mean ± half_width.
        count: Number of values.
    """

    mean: float
    half_width: float
    count: int

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half_width


def t_interval(values: Sequence[float]) -> Interval:
    """The mean of some seeds and its 95% t interval.

    Example:
        >>> interval = t_interval([1.0, 2.0, 3.0])
        >>> interval.mean, round(interval.half_width, 3)
        (2.0, 2.484)
    """
    count = len(values)
    if count < 2:
        return Interval(float(np.mean(values)) if count else math.nan, math.nan, count)
    error = float(np.std(values, ddof=1)) / math.sqrt(count)
    return Interval(float(np.mean(values)), float(stats.t.ppf(0.975, count - 1)) * error, count)


def paired_difference(values: Mapping[int, float], baseline: Mapping[int, float]) -> Interval:
    """The mean difference over the seeds that both have, and its 95% t interval.

    Args:
        values: Seed → score.
        baseline: Seed → score.
    Example:
        >>> paired_difference({0: 3.0, 1: 4.0, 2: 9.0}, {0: 1.0, 1: 2.0}).mean
        2.0
    """
    common = sorted(values.keys() & baseline.keys())
    return t_interval([values[seed] - baseline[seed] for seed in common])
