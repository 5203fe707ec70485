"""Every contender against every other: the matrix that the verdicts are read from."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.difference import Difference, difference, nested_difference
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

    The multivariate form of the two components: Σ_A/S + Σ_B/N + Σ_E/(SN) with Σ_A = (M_A − M_E)/N and Σ_B = (M_B −
    M_E)/S from the matrices of mean squares and products, negative eigenvalues put to zero.

    Shape:
        scores (S_k, N); returns (K, K), or None where seeds are not shared.

    Reference:
        Amemiya (1985), "What should be done when an estimated between-group covariance matrix is not nonnegative
        definite?", The American Statistician 39(2). Differs: plain eigenvalues, without the metric of Σ_E.

    Example:
        >>> one = Scores([[1, 2, 3]], seeds=(0,), row_ids=range(3))
        >>> covariance_of_means([one, one]).round(3)
        array([[0.333, 0.333],
               [0.333, 0.333]])
    """
    noisy = [scores for scores in contenders if not scores.deterministic]
    seeds = noisy[0].seeds if noisy else (0,)
    seeds = tuple(seed for seed in seeds if all(seed in scores.seeds for scores in noisy))
    row_ids = contenders[0].row_ids
    if not seeds or len(row_ids) < 2:
        return None
    table = np.stack([_sorted_columns(scores, row_ids, seeds) for scores in contenders])  # (K, S, N)
    num, num_seeds, num_examples = table.shape
    table = table - table.mean(axis=(1, 2), keepdims=True)
    by_example = table.mean(axis=1)
    examples = num_seeds * by_example @ by_example.T / (num_examples - 1)
    if num_seeds == 1:
        return examples / num_examples
    by_seed = table.mean(axis=2)
    table = (table - by_seed[:, :, None] - by_example[:, None, :]).reshape(num, -1)
    residual = table @ table.T / ((num_seeds - 1) * (num_examples - 1))
    from_seeds = nonnegative(num_examples * by_seed @ by_seed.T / (num_seeds - 1) - residual)
    return (from_seeds + nonnegative(examples - residual) + residual) / (num_seeds * num_examples)


def _sorted_columns(scores: Scores, row_ids: NDArray, seeds: tuple[int, ...]) -> NDArray[np.float64]:
    if np.array_equal(scores.row_ids, row_ids):
        return scores.on(seeds)
    position = np.empty(len(row_ids), dtype=np.intp)
    position[np.argsort(row_ids)] = np.argsort(scores.row_ids)
    return scores.on(seeds)[:, position]


def nonnegative(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """A symmetric matrix with its negative eigenvalues put to zero, (K, K)."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values.clip(min=0)) @ vectors.T


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
