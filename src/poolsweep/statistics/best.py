"""Which contenders cannot be told from the best: Hsu's multiple comparison with the best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.critical import LargestT
from poolsweep.statistics.pairwise import Pairwise


@dataclass(frozen=True)
class ComparisonWithBest:
    """One contender: its mean, the p-value against its being the best, and whether that is not rejected."""

    name: str
    mean: float
    p_value: float
    could_be_best: bool


@dataclass(frozen=True)
class BestVerdict:
    """All contenders, best mean first, and the set that holds the true best with probability ``level``."""

    comparisons: tuple[ComparisonWithBest, ...]
    level: float

    @property
    def leading(self) -> tuple[str, ...]:
        """The contenders that are indistinguishable from the best, best mean first."""
        return tuple(item.name for item in self.comparisons if item.could_be_best)


def compare_with_best(pairwise: Pairwise, *, level: float = 0.95) -> BestVerdict:
    """Hsu's comparison with the best on the two-component standard errors.

    For contender i as the control, d_i is the one-sided critical value of the largest t over its differences, with
    their estimated correlation. i could be the best unless some j beats it by more than d_i · se_ij; that set holds the
    true best with probability at least ``level``. The critical value of each pair takes the pair's own degrees of
    freedom.

    Args:
        pairwise: All differences.
        level: Joint confidence level.

    Raises:
        ValueError: If ``level`` is not between 0 and 1.

    Reference:
        Hsu (1996), "Multiple Comparisons: Theory and Methods", ch. 4 and 7.3; Hasler, Hothorn (2008), "Multiple
        contrast tests in the presence of heteroscedasticity", Biometrical Journal 50(5). Differs: every difference has
        an error of its own, so that the t statistics share no scale; see :mod:`poolsweep.statistics.critical`.

    Example:
        >>> from poolsweep.statistics.pairwise import pairwise_nested
        >>> table = {"mean": [0.90, 0.92, 0.91], "max": [0.91, 0.90, 0.90], "cls": [0.70, 0.71, 0.70]}
        >>> by_seed = {name: dict(enumerate(values)) for name, values in table.items()}
        >>> compare_with_best(pairwise_nested(by_seed)).leading
        ('mean', 'max')
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    margin, p_values = _margins(pairwise, level)
    reach = np.where(np.eye(len(pairwise.names), dtype=bool), np.inf, pairwise.value + margin).min(axis=1)
    items = [
        ComparisonWithBest(pairwise.names[i], float(pairwise.means[i]), float(p_values[i]), bool(reach[i] > 0))
        for i in np.argsort(-pairwise.means, kind="stable")
    ]
    return BestVerdict(tuple(items), level)


def _margins(pairwise: Pairwise, level: float) -> tuple[NDArray, NDArray]:
    """Critical value times standard error of each pair, infinite where the error is unknown; each row's p-value."""
    num, errors, dfs = len(pairwise.names), pairwise.standard_error, pairwise.df
    margin, p_values = np.zeros((num, num)), np.ones(num)
    for i in range(num):
        fewest = min(np.delete(dfs[i], i), default=math.inf)
        largest = LargestT.of(num - 1, correlation_around(pairwise, i), df=float(fewest))
        for j in (j for j in range(num) if j != i):
            error, df = errors[i, j], dfs[i, j]
            if not error > 0:  # not known, or estimated as 0, which is no certainty
                margin[i, j] = np.inf
            else:
                margin[i, j] = largest.quantile(level, df) * error
                p_values[i] = min(p_values[i], largest.tail(-pairwise.value[i, j] / error, df))
    return margin, p_values


def correlation_around(pairwise: Pairwise, control: int) -> NDArray[np.float64] | None:
    """The correlation of all differences to one contender; None if it cannot be told (Bonferroni's bound then serves).

    Shape:
        returns (K−1, K−1).

    Example:
        >>> from poolsweep.statistics.pairwise import pairwise_nested
        >>> shared = {0: 1.0, 1: 2.0, 2: 4.0}
        >>> several = pairwise_nested({"a": shared, "b": dict.fromkeys(shared, 0.0), "c": dict.fromkeys(shared, 1.0)})
        >>> correlation_around(several, 0)
        array([[1., 1.],
               [1., 1.]])
    """
    if pairwise.covariance is None:
        return None
    spread = np.delete(np.delete(pairwise.covariance, control, 0), control, 1)
    with_control = np.delete(pairwise.covariance[control], control)
    spread = spread - with_control[:, None] - with_control + pairwise.covariance[control, control]
    scale = np.sqrt(np.diagonal(spread).clip(min=0))
    noisy = scale > 1e-12 * max(float(scale.max(initial=0)), 1e-300)
    safe = np.where(noisy, scale, 1.0)
    correlation = np.where(noisy[:, None] & noisy, spread / np.outer(safe, safe), 0.0).clip(-1, 1)
    np.fill_diagonal(correlation, 1.0)
    return correlation
