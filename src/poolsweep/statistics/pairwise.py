"""Every contender against every other: the matrix that the verdicts are read from."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.difference import Difference, difference, nested_difference
from poolsweep.statistics.joint import noise_of_means
from poolsweep.statistics.scores import Scores


@dataclass(frozen=True, eq=False)
class Pairwise:
    """All differences, row minus column, of K contenders.

    ``covariance`` is that of the contenders' means, for the correlation of their differences; None where they share too
    little to tell it.

    Shape:
        means (K,); value, standard_error, df (K, K), the diagonal 0, 0, inf; covariance (K, K).
    """

    names: tuple[str, ...]
    means: NDArray[np.float64]
    value: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    df: NDArray[np.float64]
    covariance: NDArray[np.float64] | None
    differences: Mapping[tuple[str, str], Difference]


def pairwise_differences(contenders: Mapping[str, Scores], *, level: float = 0.95) -> Pairwise:
    """Compares all pairs of contenders that were tested on the same rows.

    Args:
        contenders: The scores by name.
        level: Confidence level of each pair's own interval (not adjusted for the number of pairs).

    Shape:
        scores (S_k, N).

    Raises:
        ValueError: If there is no contender, or two were tested on different rows.

    Example:
        >>> rows = range(4)
        >>> a = Scores([[1, 1, 1, 0], [1, 1, 1, 1]], seeds=(0, 1), row_ids=rows)
        >>> b = Scores([[1, 0, 1, 0], [0, 1, 1, 0]], seeds=(0, 1), row_ids=rows)
        >>> pairwise_differences({"mean": a, "cls": b}).value
        array([[ 0.   ,  0.375],
               [-0.375,  0.   ]])
    """
    results = {
        (first, second): difference(contenders[first], contenders[second], level=level)
        for first, second in itertools.combinations(contenders, 2)
    }
    means = np.array([scores.mean for scores in contenders.values()])
    return pairwise_of(tuple(contenders), means, results, covariance_of_means(list(contenders.values())))


def pairwise_nested(
    contenders: Mapping[str, Mapping[Any, float]],
    *,
    test_to_train: float = 0.0,
    example_noise: Mapping[tuple[str, str], float] | None = None,
    level: float = 0.95,
) -> Pairwise:
    """Compares all pairs where every seed drew test rows of its own; see :func:`nested_difference`.

    Args:
        contenders: The metric by seed, by name.
        test_to_train: Test rows over training rows for random splits of one data set, 0 for disjoint test sets.
        example_noise: Variance that one seed's difference has from its examples, by pair; None where it is not known.
        level: Confidence level of each pair's own interval.

    Raises:
        ValueError: If two contenders share fewer than two seeds.

    Example:
        >>> pairwise_nested({"mean": {0: 0.8, 1: 0.9}, "cls": {0: 0.7, 1: 0.7}}).df
        array([[inf,  1.],
               [ 1., inf]])
    """
    results = {
        (first, second): nested_difference(
            contenders[first],
            contenders[second],
            test_to_train=test_to_train,
            example_noise=(example_noise or {}).get((first, second), 0.0),
            level=level,
        )
        for first, second in itertools.combinations(contenders, 2)
    }
    means = np.array([float(np.mean(list(by_seed.values()))) for by_seed in contenders.values()])
    shared = [seed for seed in next(iter(contenders.values()), {}) if all(seed in c for c in contenders.values())]
    table = np.array([[by_seed[seed] for seed in shared] for by_seed in contenders.values()])
    covariance = np.atleast_2d(np.cov(table)) if len(shared) > 1 else None
    return pairwise_of(tuple(contenders), means, results, covariance)


def covariance_of_means(contenders: list[Scores]) -> NDArray[np.float64] | None:
    """The covariance matrix of the contenders' means, from the seeds that all of them have.

    The multivariate form of the two components; see :class:`~.joint.JointNoise`.

    Shape:
        scores (S_k, N); returns (K, K), or None where seeds are not shared.

    Example:
        >>> one = Scores([[1, 2, 3]], seeds=(0,), row_ids=range(3))
        >>> covariance_of_means([one, one]).round(3)
        array([[0.333, 0.333],
               [0.333, 0.333]])
    """
    noise = noise_of_means(contenders)
    return None if noise is None else noise.covariance()


def pairwise_of(
    names: tuple[str, ...],
    means: NDArray[np.float64],
    results: Mapping[tuple[str, str], Difference],
    covariance: NDArray[np.float64] | None,
) -> Pairwise:
    """Puts the differences of all pairs into matrices.

    Args:
        names: Contenders.
        means: Mean of each.
        results: First minus second, for each pair in the order of ``names``.
        covariance: Covariance of the means; None where it is not known.

    Shape:
        means (K,), covariance (K, K).
    """
    if not names:
        raise ValueError("there is no contender to compare")
    num = len(names)
    value, error = np.zeros((num, num)), np.zeros((num, num))
    df = np.full((num, num), np.inf)
    for (first, second), result in results.items():
        i, j = names.index(first), names.index(second)
        estimate = result.estimate
        value[i, j], value[j, i] = estimate.value, -estimate.value
        error[i, j] = error[j, i] = estimate.standard_error
        df[i, j] = df[j, i] = estimate.df
    return Pairwise(names, means, value, error, df, covariance, results)
