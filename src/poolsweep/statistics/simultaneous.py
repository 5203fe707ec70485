"""All differences of several contenders as one family, whose intervals and p-values hold together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.critical import LargestT
from poolsweep.statistics.pairwise import Pairwise


@dataclass(frozen=True)
class JointDifference:
    """One difference of a family: its simultaneous interval and adjusted p-value.

    The interval leaves out zero exactly where ``p_value`` is below 1 − level. All three are nan where the error of the
    difference is not known.
    """

    value: float
    low: float
    high: float
    p_value: float
    level: float

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.p_value < 1 - self.level


@dataclass(frozen=True, eq=False)
class Family:
    """All differences, row minus column, true together with probability ``level``.

    Shape:
        means (K,); value, low, high, p_value (K, K), the diagonal 0, 0, 0, 1.
    """

    names: tuple[str, ...]
    means: NDArray[np.float64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]
    level: float

    def between(self, first: str, second: str) -> JointDifference:
        """First minus second.

        Raises:
            ValueError: If there is none of a name.
        """
        i, j = self.names.index(first), self.names.index(second)
        value, low, high, p_value = (float(m[i, j]) for m in (self.value, self.low, self.high, self.p_value))
        return JointDifference(value, low, high, p_value, self.level)

    def leading(self, among: Sequence[str] | None = None) -> tuple[str, ...]:
        """The highest mean and those that are not told from it, best mean first.

        With probability ``level`` at least, each of the others is truly worse than the first of them, so that the true
        best is among them: what Hsu's comparison with the best guarantees.

        Args:
            among: Those that are compared; all by default.
        """
        names = self.names if among is None else tuple(among)
        chosen = sorted(map(self.names.index, names), key=lambda i: -self.means[i])
        differs = self.p_value < 1 - self.level
        return tuple(self.names[i] for i in chosen if not (differs[chosen[0], i] and self.value[chosen[0], i] > 0))


def simultaneous(pairwise: Pairwise, *, level: float = 0.95) -> Family:
    """Two-sided simultaneous intervals of all pairs, with the p-values that belong to them.

    Tukey's range for means that are correlated and pairs whose errors are their own: the critical value of a pair is
    that of the largest |t| over all pairs, at the pair's own degrees of freedom. Of equal contenders any two are told
    apart with probability 1 − ``level`` at most, and any one is above all others with no more than that.

    Args:
        pairwise: All differences.
        level: Joint confidence level.

    Raises:
        ValueError: If ``level`` is not between 0 and 1.

    Reference:
        Hochberg, Tamhane (1987), "Multiple Comparison Procedures", ch. 3; Westfall, Young (1993), "Resampling-Based
        Multiple Testing", for single-step adjusted p-values. Differs: see :class:`~.critical.LargestT`.

    Example:
        >>> from poolsweep.statistics.pairwise import pairwise_nested
        >>> table = {"mean": [0.90, 0.92, 0.91], "max": [0.91, 0.90, 0.90], "cls": [0.70, 0.71, 0.70]}
        >>> by_seed = {name: dict(enumerate(values)) for name, values in table.items()}
        >>> simultaneous(pairwise_nested(by_seed)).leading()
        ('mean', 'max')
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    num = len(pairwise.names)
    errors = pairwise.standard_error
    pairs = [(i, j) for i in range(num) for j in range(i + 1, num) if errors[i, j] > 0]
    largest = LargestT.of_pairs(pairs, pairwise.covariance, df=[pairwise.df[pair] for pair in pairs])
    margin, p_value = np.full((num, num), np.nan), np.full((num, num), np.nan)
    np.fill_diagonal(margin, 0.0)
    np.fill_diagonal(p_value, 1.0)
    for i, j in pairs:
        error, df = errors[i, j], float(pairwise.df[i, j])
        margin[i, j] = margin[j, i] = largest.quantile(level, df) * error
        adjusted = min(largest.tail(abs(pairwise.value[i, j]) / error, df), 1.0)
        p_value[i, j] = p_value[j, i] = adjusted
    value = pairwise.value
    return Family(pairwise.names, pairwise.means, value, value - margin, value + margin, p_value, level)
