"""Over data sets: mean ranks, the Friedman test, and what a critical-difference diagram shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, fdtrc


@dataclass(frozen=True)
class Friedman:
    """The Friedman chi-square with ties corrected, and the less conservative F of Iman and Davenport."""

    chi_square: float
    p_value: float
    f_statistic: float
    f_p_value: float
    num_data_sets: int


@dataclass(frozen=True, eq=False)
class CriticalDifference:
    """The data of a critical-difference diagram.

    ``names`` and ``mean_ranks`` are ordered from the best; ``groups`` are the largest sets of neighbours whose mean
    ranks lie within ``critical_difference`` (the bars), each from the best to the worst of it; ``p_values`` are
    Nemenyi's for all pairs, in the order of ``names``.

    Shape:
        mean_ranks (K,); p_values (K, K).
    """

    names: tuple[str, ...]
    mean_ranks: NDArray[np.float64]
    critical_difference: float
    groups: tuple[tuple[str, ...], ...]
    p_values: NDArray[np.float64]
    friedman: Friedman


def ranks(values: ArrayLike, *, higher_is_better: bool = True) -> NDArray[np.float64]:
    """The rank of each contender on each data set, 1 for the best, ties sharing their mean rank.

    Shape:
        values (D data sets, K contenders); returns (D, K).

    Raises:
        ValueError: If a value is missing: ranks over different data sets cannot be compared.

    Example:
        >>> ranks([[0.9, 0.8, 0.8], [0.5, 0.7, 0.6]])
        array([[1. , 2.5, 2.5],
               [3. , 1. , 2. ]])
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.size == 0 or not np.isfinite(table).all():
        raise ValueError("values must be data sets by contenders with none missing: leave out incomplete data sets")
    signed = -table if higher_is_better else table
    below = (signed[:, None, :] < signed[:, :, None]).sum(axis=2)
    equal = (signed[:, None, :] == signed[:, :, None]).sum(axis=2)
    return below + (equal + 1) / 2


def friedman_test(values: ArrayLike) -> Friedman:
    """Whether the contenders' mean ranks differ more than chance would have them.

    χ² = 12 / (D K (K+1)) · Σ_k (Σ_d rank)² − 3 D (K+1), divided by 1 − Σ(t³ − t)/(D K (K² − 1)) for ties of size t;
    F = (D − 1) χ² / (D (K − 1) − χ²) with K − 1 and (K − 1)(D − 1) degrees of freedom.

    Shape:
        values (D data sets, K contenders).

    Raises:
        ValueError: If a value is missing, or there are fewer than two data sets or contenders.

    Reference:
        Friedman (1937); Iman, Davenport (1980); Demšar (2006), "Statistical comparisons of classifiers over multiple
        data sets", JMLR 7, sec. 3.2. Differs: ties are corrected for.

    Example:
        >>> result = friedman_test([[0.9, 0.8, 0.7], [0.5, 0.4, 0.3], [0.6, 0.5, 0.4]])
        >>> result.chi_square, round(result.p_value, 4)
        (6.0, 0.0498)
    """
    table = ranks(values)
    num_sets, num = table.shape
    if min(num_sets, num) < 2:
        raise ValueError(f"the Friedman test needs two data sets and two contenders, got {num_sets} and {num}")
    sums = table.sum(axis=0)
    chi_square = 12 / (num_sets * num * (num + 1)) * float(sums @ sums) - 3 * num_sets * (num + 1)
    tied = sum(int(c**3 - c) for row in table for c in np.unique(row, return_counts=True)[1])
    correction = 1 - tied / (num_sets * num * (num**2 - 1))
    if correction <= 0:  # all tied on every data set
        return Friedman(0.0, 1.0, 0.0, 1.0, num_sets)
    chi_square = max(chi_square / correction, 0.0)
    rest = num_sets * (num - 1) - chi_square
    f_statistic = (num_sets - 1) * chi_square / rest if rest > 1e-9 else math.inf
    f_p_value = float(fdtrc(num - 1, (num - 1) * (num_sets - 1), f_statistic)) if rest > 1e-9 else 0.0
    return Friedman(chi_square, float(chdtrc(num - 1, chi_square)), f_statistic, f_p_value, num_sets)


def critical_difference(
    names: Sequence[str], values: ArrayLike, *, level: float = 0.95, higher_is_better: bool = True
) -> CriticalDifference:
    """Mean ranks, Nemenyi's critical difference and the groups that it does not separate.

    CD = q / √2 · √(K (K + 1) / (6 D)) with q the quantile of the studentised range of K means and infinite degrees of
    freedom. The diagram speaks of ranks over data sets as a sample of all data sets; with fewer than about six of them
    it separates next to nothing.

    Args:
        names: The contenders.
        values: Their metric on each data set (mean over seeds).
        level: Joint confidence level.
        higher_is_better: False for a loss.

    Shape:
        names (K,); values (D data sets, K).

    Raises:
        ValueError: If a value is missing, or there are fewer than two data sets or contenders.

    Reference:
        Nemenyi (1963); Demšar (2006), JMLR 7, sec. 3.2.2. Differs: none.

    Example:
        >>> diagram = critical_difference(["cls", "mean"], [[0.7, 0.8], [0.6, 0.9], [0.5, 0.6], [0.6, 0.7], [0.1, 0.2]])
        >>> diagram.names, diagram.mean_ranks, diagram.groups
        (('mean', 'cls'), array([1., 2.]), ())
    """
    from scipy.stats import studentized_range  # scipy.stats takes half a second to import

    friedman = friedman_test(values)
    mean_ranks = ranks(values, higher_is_better=higher_is_better).mean(axis=0)
    num = len(mean_ranks)
    if num != len(names):
        raise ValueError(f"{len(names)} names for {num} contenders")
    order = np.argsort(mean_ranks, kind="stable")
    ordered, ordered_names = mean_ranks[order], tuple(str(names[int(i)]) for i in order)
    unit = math.sqrt(num * (num + 1) / (12 * friedman.num_data_sets))  # the standard error of a studentised mean rank
    limit = float(studentized_range.ppf(level, num, np.inf)) * unit
    p_values = studentized_range.sf(np.abs(ordered[:, None] - ordered) / unit, num, np.inf)
    np.fill_diagonal(p_values, 1.0)
    return CriticalDifference(ordered_names, ordered, limit, _groups(ordered_names, ordered, limit), p_values, friedman)


def _groups(names: tuple[str, ...], ordered: NDArray[np.float64], limit: float) -> tuple[tuple[str, ...], ...]:
    """The longest runs within the limit, without single contenders and without runs inside another."""
    groups: list[tuple[str, ...]] = []
    reached = 0
    for start, rank in enumerate(ordered):
        end = int(np.searchsorted(ordered, rank + limit * (1 + 1e-9), side="right"))
        if end > max(reached, start + 1):
            groups.append(names[start:end])
            reached = end
    return tuple(groups)
