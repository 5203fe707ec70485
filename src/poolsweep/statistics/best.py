"""Which contenders cannot be told from the best: Hsu's multiple comparison with the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolsweep.statistics.critical import LargestT
from poolsweep.statistics.pairwise import Pairwise


@dataclass(frozen=True)
class ComparisonWithBest:
    """One contender against the best of the others.

    ``gap`` estimates its mean minus the best mean of the others, ``low`` and ``high`` bound it simultaneously with
    those of all contenders; ``p_value`` is against its being the best; ``could_be_best`` where that is not rejected.
    """

    name: str
    mean: float
    gap: float
    low: float
    high: float
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


def compare_with_best(
    pairwise: Pairwise, *, level: float = 0.95, higher_is_better: bool = True, among: Sequence[str] | None = None
) -> BestVerdict:
    """Hsu's constrained intervals on the two-component standard errors.

    For contender i as the control, d_i is the one-sided critical value of the largest t over its differences, with
    their estimated correlation. i could be the best unless some j beats it by more than d_i · se_ij; that set holds the
    true best with probability at least ``level``. The critical value of each pair takes the pair's own degrees of
    freedom.

    Args:
        pairwise: All differences.
        level: Joint confidence level.
        higher_is_better: False for a loss; gaps are then still own minus best other, negative where better.
        among: Those that the verdict is on, where others lost it before (in a race). Critical values allow for all, so
            that it claims no more than a verdict on all of them would.

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
    sign = 1.0 if higher_is_better else -1.0
    chosen = np.array([pairwise.index(name) for name in (pairwise.names if among is None else among)], dtype=int)
    value, num = sign * pairwise.value[np.ix_(chosen, chosen)], len(chosen)
    margin, p_values = _margins(pairwise, chosen, value, level)
    low, high, could = constrained_intervals(value, margin)
    others = np.where(np.eye(num, dtype=bool), np.inf, value).min(axis=1) if num > 1 else np.zeros(num)
    if not higher_is_better:
        low, high = -high, -low
    order = np.argsort(-sign * pairwise.means[chosen], kind="stable")
    items = [
        ComparisonWithBest(
            name=pairwise.names[chosen[i]],
            mean=float(pairwise.means[chosen[i]]),
            gap=float(sign * others[i]),
            low=float(low[i]),
            high=float(high[i]),
            p_value=float(p_values[i]),
            could_be_best=bool(could[i]),
        )
        for i in order
    ]
    return BestVerdict(tuple(items), level)


def _margins(
    pairwise: Pairwise, chosen: NDArray[np.int_], value: NDArray[np.float64], level: float
) -> tuple[NDArray, NDArray]:
    """Critical value times standard error of each pair, infinite where the error is unknown; each row's p-value."""
    num = len(value)
    errors, dfs = pairwise.standard_error[np.ix_(chosen, chosen)], pairwise.df[np.ix_(chosen, chosen)]
    margin, p_values = np.zeros((num, num)), np.ones(num)
    for i in range(num):
        fewest = min(np.delete(dfs[i], i), default=math.inf)
        around = correlation_around(pairwise, int(chosen[i]))
        largest = LargestT.of(len(pairwise.names) - 1, around, df=float(fewest))
        for j in (j for j in range(num) if j != i):
            error, df = errors[i, j], dfs[i, j]
            if not error > 0:  # not known, or estimated as 0, which is no certainty
                margin[i, j] = np.inf
            else:
                margin[i, j] = largest.quantile(level, df) * error
                p_values[i] = min(p_values[i], largest.tail(-value[i, j] / error, df))
    return margin, p_values


def constrained_intervals(
    value: ArrayLike, margin: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Hsu's constrained intervals for mean i minus the best of the other means.

    high_i = max(0, min_j value_ij + margin_ij); G = all i that no j beats beyond its margin; low_i is 0 if G = {i},
    else min over the other members j of G of value_ij − margin_ji.

    Args:
        value: Differences, row minus column; higher is better.
        margin: Critical value times standard error, row i as the control.

    Shape:
        value, margin (K, K); returns low, high, member of G (K,).

    Reference:
        Hsu (1996), "Multiple Comparisons: Theory and Methods", ch. 4.2.1 (equal) and 7.3 (unequal). Differs: none.

    Example:
        >>> constrained_intervals([[0, 3.0], [-3.0, 0]], [[0, 1.0], [1.0, 0]])
        (array([ 0., -4.]), array([4., 0.]), array([ True, False]))
    """
    gaps, margins = np.asarray(value, dtype=np.float64), np.asarray(margin, dtype=np.float64)
    if len(gaps) == 1:
        return np.zeros(1), np.zeros(1), np.ones(1, dtype=bool)
    itself = np.eye(len(gaps), dtype=bool)
    reach = np.where(itself, np.inf, gaps + margins).min(axis=1)
    could = reach > 0
    rivals = np.where(itself | ~could[None, :], np.inf, gaps - margins.T).min(axis=1)
    return np.where(np.isinf(rivals) & (rivals > 0), 0.0, rivals), reach.clip(min=0), could


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
