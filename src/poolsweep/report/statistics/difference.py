"""The difference of two contenders, with an interval that counts both the seeds and the test examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poolsweep.report.statistics.components import (
    VarianceComponents,
    mean_squares,
    variance_components,
    variance_of_mean,
)
from poolsweep.report.statistics.estimate import Estimate, t_estimate
from poolsweep.report.statistics.scores import Scores
from poolsweep.report.statistics.unpaired import unpaired_variance

Design = Literal["crossed", "unpaired seeds", "examples only", "deterministic", "nested"]


@dataclass(frozen=True)
class Difference:
    """First minus second contender, and how it was reckoned.

    ``design`` is "crossed" (same seeds, same rows), "unpaired seeds" (same rows, other seeds), "examples only" (one
    seed each: the noise of seeds is unknown and left out), "deterministic" (neither has seed noise) or "nested" (each
    seed has rows of its own). ``num_seeds`` counts the seeds of the scarcer contender that were used.
    """

    estimate: Estimate
    design: Design
    components: VarianceComponents
    num_seeds: int
    num_examples: int


def mean_score(scores: Scores, *, level: float = 0.95) -> Difference:
    """One contender's mean score, with the same two-component interval as a difference.

    The interval is for the mean over new seeds *and* new texts. With one seed it knows the examples alone.

    Example:
        >>> contender = Scores([[1, 0, 1, 1], [1, 1, 1, 0]], seeds=(0, 1), row_ids=range(4))
        >>> result = mean_score(contender)
        >>> result.estimate.value, result.design
        (0.75, 'crossed')
    """
    return _crossed(scores.values, deterministic=scores.deterministic, level=level)


def difference(first: Scores, second: Scores, *, level: float = 0.95) -> Difference:
    """First minus second, paired by test example and, where they have the same seeds, by seed.

    Seeds are paired when the contenders share at least two and at least half of the longer list (those that only one
    has are then left out); otherwise all seeds are used, unpaired. A deterministic contender counts as the same for
    every seed. The variance is (MS_A + MS_B − MS_E)/(SN) of the differences with Satterthwaite degrees of freedom; see
    :mod:`poolsweep.report.statistics.components` for its derivation, and ``experiments/statistics`` for its coverage.

    Args:
        first: The contender that counts positive.
        second: The contender that counts negative.
        level: Confidence level.

    Shape:
        scores (S1, N) and (S2, N), over the same row ids in any order.

    Raises:
        ValueError: If the contenders were tested on different rows.

    Reference:
        Satterthwaite (1946), "An approximate distribution of estimates of variance components", Biometrics 2(6).
        Differs: negative components are put to zero.

    Example:
        >>> rows = range(4)
        >>> a = Scores([[1, 1, 1, 0], [1, 1, 1, 1]], seeds=(0, 1), row_ids=rows)
        >>> b = Scores([[1, 0, 1, 0], [0, 1, 1, 0]], seeds=(0, 1), row_ids=rows)
        >>> result = difference(a, b)
        >>> result.estimate.value, round(result.estimate.standard_error, 4), result.design
        (0.375, 0.2394, 'crossed')
    """
    paired = paired_differences(first, second)
    if paired is not None:
        return _crossed(paired, deterministic=first.deterministic and second.deterministic, level=level)
    second = _in_order_of(first, second)
    variance, df, components = unpaired_variance(first.values, second.values)
    estimate = t_estimate(first.mean - second.mean, variance, df, level=level)
    fewest = min(len(first.seeds), len(second.seeds))
    return Difference(estimate, "unpaired seeds", components, fewest, len(first.row_ids))


def paired_differences(first: Scores, second: Scores) -> NDArray[np.float64] | None:
    """The matrix of differences, paired seeds by examples, which the companions (bootstrap, sign flips, effect) take.

    None where pairing seeds would waste more than it gains, see :func:`difference`. Two contenders of one seed each
    give one row, whether or not the seed is the same.

    Shape:
        scores (S1, N) and (S2, N); returns (S, N), columns in the order of ``first``.

    Raises:
        ValueError: If the contenders were tested on different rows.

    Example:
        >>> a = Scores([[1, 1], [0, 1], [1, 1]], seeds=(0, 1, 2), row_ids=[0, 1])
        >>> b = Scores([[1, 0], [0, 0], [1, 1]], seeds=(2, 1, 5), row_ids=[0, 1])
        >>> paired_differences(a, b)
        array([[0., 1.],
               [0., 1.]])
    """
    second = _in_order_of(first, second)
    if len(first.seeds) == len(second.seeds) == 1:
        return first.values - second.values
    if first.deterministic or second.deterministic:
        return first.values - second.values  # its one row stands for every seed
    shared = tuple(seed for seed in first.seeds if seed in second.seeds)
    if len(shared) < 2 or 2 * len(shared) < max(len(first.seeds), len(second.seeds)):
        return None
    return first.on(shared) - second.on(shared)


def nested_difference(
    first: Mapping[int, float],
    second: Mapping[int, float],
    *,
    test_to_train: float = 0.0,
    level: float = 0.95,
) -> Difference:
    """First minus second where each seed drew test rows of its own: a t interval over the seeds' differences.

    Each seed's difference then carries the noise of its examples too, so that V = (1/S + ρ) · sd² with S−1 degrees of
    freedom holds both. ρ is 0 for disjoint test sets and the ratio of test to training rows for random splits of one
    data set, whose training sets overlap.

    Args:
        first: The metric by seed of the contender that counts positive.
        second: The same of the other; only seeds that both have are used.
        test_to_train: ρ, the number of test rows over the number of training rows.
        level: Confidence level.

    Raises:
        ValueError: If fewer than two seeds are shared, or ``test_to_train`` is negative.

    Reference:
        Nadeau, Bengio (2003), "Inference for the generalization error", Machine Learning 52, eq. 9. Differs: none.

    Example:
        >>> result = nested_difference({0: 0.8, 1: 0.9}, {0: 0.7, 1: 0.7})
        >>> round(result.estimate.value, 3), round(result.estimate.standard_error, 3)
        (0.15, 0.05)
    """
    seeds = [seed for seed in first if seed in second]
    if len(seeds) < 2:
        raise ValueError(f"contenders tested on different rows need at least two seeds in common, got {len(seeds)}")
    if test_to_train < 0:
        raise ValueError(f"test_to_train must not be negative, got {test_to_train}")
    gaps = np.array([first[seed] - second[seed] for seed in seeds])
    spread = float(gaps.var(ddof=1))
    estimate = t_estimate(float(gaps.mean()), (1 / len(seeds) + test_to_train) * spread, len(seeds) - 1, level=level)
    return Difference(estimate, "nested", VarianceComponents(spread, 0.0, 0.0), len(seeds), 0)


def _in_order_of(first: Scores, second: Scores) -> Scores:
    if np.array_equal(first.row_ids, second.row_ids):
        return second
    order_first, order_second = np.argsort(first.row_ids), np.argsort(second.row_ids)
    if not np.array_equal(first.row_ids[order_first], second.row_ids[order_second]):
        raise ValueError("the contenders were tested on different rows: compare them with nested_difference")
    position = np.empty_like(order_first)
    position[order_first] = order_second
    return Scores(
        second.values[:, position], seeds=second.seeds, row_ids=first.row_ids, deterministic=second.deterministic
    )


def _crossed(table: NDArray[np.float64], *, deterministic: bool, level: float) -> Difference:
    num_seeds, num_examples = table.shape
    if num_seeds == 1 or num_examples == 1:
        return _examples_only(table, deterministic=deterministic, level=level)
    squares = mean_squares(table)
    variance, df = variance_of_mean(squares)
    estimate = t_estimate(float(table.mean()), variance, df, level=level)
    return Difference(estimate, "crossed", variance_components(squares), num_seeds, num_examples)


def _examples_only(table: NDArray[np.float64], *, deterministic: bool, level: float) -> Difference:
    """One seed: the examples alone. (One example tells nothing: its variance is nan.)"""
    num_seeds, num_examples = table.shape
    spread = float(table[0].var(ddof=1)) if num_examples > 1 else math.nan
    estimate = t_estimate(float(table.mean()), spread / num_examples, num_examples - 1, level=level)
    components = VarianceComponents(0.0 if deterministic else math.nan, spread, 0.0)
    return Difference(
        estimate, "deterministic" if deterministic else "examples only", components, num_seeds, num_examples
    )
