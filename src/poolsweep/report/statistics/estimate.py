"""A number with its standard error, degrees of freedom and t interval: what every comparison here ends in."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

MAX_DF = 1e9  # beyond it t is normal to the last bit, and scipy's stdtrit loses its footing


@dataclass(frozen=True)
class Estimate:
    """An estimate and its t interval; ``p_value`` is two-sided, against zero."""

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


def t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t.

    Example:
        >>> round(t_quantile(0.975, 4), 3)
        2.776
    """
    return float(stdtrit(min(df, MAX_DF), probability))


def t_estimate(value: float, variance: float, df: float, *, level: float = 0.95) -> Estimate:
    """The t interval ``value ± t(df) · √variance``.

    Zero variance (identical contenders, say) gives an interval without width: p is 1 at zero and 0 elsewhere.
    A variance that is not known (nan: one run only) gives nan ends and a p of 1.

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
    if math.isnan(variance):
        return Estimate(value, math.nan, df, math.nan, math.nan, 1.0, level)
    error = math.sqrt(max(variance, 0.0))
    if error == 0:
        return Estimate(value, 0.0, df, value, value, float(value == 0), level)
    half_width = t_quantile(0.5 + level / 2, df) * error
    p_value = 2 * float(stdtr(min(df, MAX_DF), -abs(value) / error))
    return Estimate(value, error, df, value - half_width, value + half_width, p_value, level)
