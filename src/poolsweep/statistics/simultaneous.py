"""All differences of several contenders as one family, whose intervals and p-values hold together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.critical import LargestT
from poolsweep.statistics.estimate import Estimate
from poolsweep.statistics.pairwise import Pairwise


@dataclass(frozen=True, eq=False)
class Family:
    """All differences, row minus column, with intervals that are true together with probability ``level``.

    An interval leaves out zero exactly where its adjusted p-value is below 1 − level. Both are nan where the error of
    the difference is not known.

    Shape:
        low, high, p_value (K, K), the diagonal 0, 0, 1.
    """

    pairwise: Pairwise
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]
    level: float

    def between(self, first: str, second: str) -> Estimate:
        """First minus second, with its simultaneous interval and adjusted p-value.

        Raises:
            ValueError: If there is none of a name.
        """
        pairwise = self.pairwise
        place = pairwise.names.index(first), pairwise.names.index(second)
        return Estimate(
            float(pairwise.value[place]), float(pairwise.standard_error[place]), float(pairwise.df[place]),
            float(self.low[place]), float(self.high[place]), float(self.p_value[place]), self.level,
        )  # fmt: skip

    def leading(self, among: Sequence[str] | None = None) -> tuple[str, ...]:
        """The highest mean and those that are not told from it, best mean first.

        With probability ``level`` at least, each of the others is truly worse than the first of them, so that the true
        best is among them: what Hsu's comparison with the best guarantees.

        Args:
            among: Those that are compared; all by default.
        """
        names, means = self.pairwise.names, self.pairwise.means
        chosen = sorted(map(names.index, names if among is None else among), key=lambda i: -means[i])
        worse = (self.p_value < 1 - self.level) & (self.pairwise.value > 0)
        return tuple(names[i] for i in chosen if not worse[chosen[0], i])


def simultaneous(pairwise: Pairwise, *, level: float = 0.95, most: float = math.inf) -> Family:
    """Two-sided simultaneous intervals of all pairs, with the p-values that belong to them.

    Tukey's range for means that are correlated and pairs whose errors are their own: the critical value of a pair is
    that of the largest |t| over all pairs, at the pair's own degrees of freedom. Of equal contenders any two are told
    apart with probability 1 − ``level`` at most, and any one is above all others with no more than that.

    Args:
        pairwise: All differences.
        level: Joint confidence level.
        most: Largest difference that there can be; intervals end there, which takes nothing from their level. With two
            seeds and many pairs they would be wider than a metric's whole range.

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
    low, high = np.maximum(pairwise.value - margin, -most), np.minimum(pairwise.value + margin, most)
    return Family(pairwise, low, high, p_value, level)
