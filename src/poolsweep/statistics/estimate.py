"""A number with its standard error, degrees of freedom and t interval: what every comparison here ends in."""

from __future__ import annotations

import math
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

    @property
    def excludes_zero(self) -> bool:
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
