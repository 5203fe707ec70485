"""Mean, standard deviation and t interval of one number per seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poolsweep.statistics.estimate import sample_variance, t_estimate


@dataclass(frozen=True)
class SeedSummary:
    """What the seeds of one contender say together.

    ``sd``, ``low`` and ``high`` are nan with one seed, ``low`` and ``high`` also where all seeds agree.
    """

    mean: float
    sd: float
    low: float
    high: float
    num_seeds: int
    level: float

    @property
    def half_width(self) -> float:
        """The interval is mean ± half_width."""
        return self.high - self.mean


def seed_summary(values: Sequence[float], *, level: float = 0.95) -> SeedSummary:
    """The mean over seeds with its t interval, ``mean ± t(S−1) · sd / √S``.

    It says how well the mean over *seeds* is known on *this* test set; it knows nothing of the examples. For a claim
    about new texts use :func:`~poolsweep.statistics.difference` or
    :func:`~poolsweep.statistics.mean_score`.

    Args:
        values: A metric's value for each seed.
        level: Confidence level.

    Shape:
        values (S,).

    Raises:
        ValueError: If there is no value, or one is not finite.

    Reference:
        Student (1908), "The probable error of a mean". Differs: none.

    Example:
        >>> summary = seed_summary([0.80, 0.82, 0.84])
        >>> round(summary.mean, 3), round(summary.sd, 3), round(summary.low, 3)
        (0.82, 0.02, 0.77)
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"values must be one number per seed, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("values must be finite: leave out the seeds that failed")
    sd = math.sqrt(sample_variance(array)) if array.size > 1 else math.nan
    estimate = t_estimate(float(array.mean()), sd**2 / array.size, array.size - 1, level=level)
    return SeedSummary(estimate.value, sd, estimate.low, estimate.high, array.size, level)
