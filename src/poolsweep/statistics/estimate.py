"""A number with its standard error, degrees of freedom and t interval: what every comparison here ends in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

MAX_DF = 1e9  # beyond it t is normal to the last bit, and scipy's stdtrit loses its footing


@dataclass(frozen=True)
class Estimate:
    """An estimate and its t interval; ``p_value`` is two-sided, against zero. Error and ends are nan where unknown."""

    value: float
    standard_error: float
    df: float
    low: float
    high: float
    p_value: float
    level: float

    @classmethod
    def without_error(cls, value: float, *, level: float = 0.95) -> Estimate:
        """A value whose error is not known."""
        return cls(value, math.nan, math.nan, math.nan, math.nan, math.nan, level)

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.p_value < 1 - self.level


def sample_variance(values: ArrayLike, *, scale: float = 0.0) -> float:
    """The sample variance; 0 where it is but the rounding of equal values.

    Args:
        values: At least two.
        scale: Size of the numbers that the values were computed from, where that is larger.

    Example:
        >>> sample_variance([0.1, 0.1, 0.1]), sample_variance([1.0, 2.0])
        (0.0, 0.5)
    """
    array = np.asarray(values, dtype=np.float64)
    largest = max(float(np.abs(array).max()), scale)
    return 0.0 if np.ptp(array) <= 1e-12 * largest else float(array.var(ddof=1))


def t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t.

    Example:
        >>> round(t_quantile(0.975, 4), 3)
        2.776
    """
    return float(stdtrit(min(df, MAX_DF), probability))


def t_estimate(value: float, variance: float, df: float, *, level: float = 0.95) -> Estimate:
    """The t interval ``value ± t(df) · √variance``.

    A variance that is not known (nan: one run only) gives nan ends and a p of 1. So does one that is estimated as 0:
    two seeds that agree by chance are no certainty.

    Args:
        variance: The estimated variance of ``value``.
        df: Degrees of freedom of that variance.
        level: Confidence level.

    Raises:
        ValueError: If ``level`` is not between 0 and 1.

    Example:
        >>> round(t_estimate(0.02, 0.0001, 4).high, 4)
        0.0478
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    if not variance > 0:
        return Estimate(value, math.nan, df, math.nan, math.nan, 1.0, level)
    error = math.sqrt(variance)
    half_width = t_quantile(0.5 + level / 2, df) * error
    p_value = 2 * float(stdtr(min(df, MAX_DF), -abs(value) / error))
    return Estimate(value, error, df, value - half_width, value + half_width, p_value, level)


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
