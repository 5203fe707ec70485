"""The difference of two contenders, with an interval that counts both the seeds and the test examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.components import (
    VarianceComponents,
    decided_noise,
    mean_squares,
    unpaired_variance,
    variance_components,
    variance_of_mean,
)
from poolsweep.statistics.estimate import Estimate, sample_variance, t_estimate
from poolsweep.statistics.scores import Scores

Design = Literal["crossed", "unpaired seeds", "deterministic", "nested", "splits", "deterministic splits", "unknown"]
Covered = Literal["seeds", "texts", "splits"]
_COVERS: dict[Design, tuple[Covered, ...]] = {
    "crossed": ("seeds", "texts"),
    "unpaired seeds": ("seeds", "texts"),
    "deterministic": ("texts",),
    "nested": ("seeds", "texts"),
    "splits": ("seeds", "texts", "splits"),
    "deterministic splits": ("texts", "splits"),
    "unknown": (),
}


@dataclass(frozen=True)
class Difference:
    """First minus second contender, and how it was reckoned.

    ``design`` is "crossed" (same seeds, same rows), "unpaired seeds" (same rows, other seeds), "deterministic" (neither
    has seed noise: the interval is about other examples alone), "nested" (each seed has rows of its own), "splits" (see
    :func:`~poolsweep.statistics.difference_over_splits`), "deterministic splits" (the same, neither has seed noise) or
    "unknown" (one seed or one example: there is no interval). ``num_seeds`` counts the seeds of the scarcer contender
    that were used, of one split where there are several.
    """

    estimate: Estimate
    design: Design
    components: VarianceComponents
    num_seeds: int
    num_examples: int
    num_splits: int = 1

    @property
    def covers(self) -> tuple[Covered, ...]:
        """What the interval speaks of: other seeds, other texts, other splits of the data."""
        return _COVERS[self.design]


def mean_score(scores: Scores, *, level: float = 0.95) -> Difference:
    """One contender's mean score, with the same two-component interval as a difference.

    The interval is for the mean over new seeds *and* new texts. With one seed there is none, unless the contender is
    deterministic.

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
    :mod:`poolsweep.statistics.components` for its derivation, and ``experiments/statistics`` for its coverage.
    Where it comes out as 0 (every example differs by the same amount), the noise of the examples on which the two
    differ takes its place, as in McNemar's test. One seed tells nothing of other seeds, so that there is no interval.

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
    second = in_order_of(first, second)
    fewest, num_examples = min(len(first.seeds), len(second.seeds)), len(first.row_ids)
    if fewest == 1 or num_examples == 1:
        return unknown_difference(first.mean - second.mean, fewest, num_examples, level=level)
    variance, df, components = unpaired_variance(first.values, second.values)
    if variance == 0:
        variance, df = decided_noise(first.values.mean(axis=0) - second.values.mean(axis=0))
    estimate = t_estimate(first.mean - second.mean, variance, df, level=level)
    return Difference(estimate, "unpaired seeds", components, fewest, num_examples)


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
    second = in_order_of(first, second)
    if len(first.seeds) == len(second.seeds) == 1:
        return first.values - second.values
    if first.deterministic or second.deterministic:
        return first.values - second.values  # its one row stands for every seed
    shared = tuple(seed for seed in first.seeds if seed in second.seeds)
    if len(shared) < 2 or 2 * len(shared) < max(len(first.seeds), len(second.seeds)):
        return None
    return first.on(shared) - second.on(shared)


def nested_difference(
    first: Mapping[Any, float],
    second: Mapping[Any, float],
    *,
    test_to_train: float = 0.0,
    example_noise: float = 0.0,
    level: float = 0.95,
) -> Difference:
    """First minus second where each seed drew test rows of its own: a t interval over the seeds' differences.

    Each seed's difference then carries the noise of its examples too, so that V = (1/S + ρ) · sd² with S−1 degrees of
    freedom holds both. ρ is 0 for disjoint test sets and the ratio of test to training rows for random splits of one
    data set, whose training sets overlap. Two seeds that agree by chance would give an sd of 0; the noise of their
    examples is its floor, and without it there is no interval then.

    Args:
        first: The metric by seed of the contender that counts positive.
        second: The same of the other; only seeds that both have are used.
        test_to_train: ρ, the number of test rows over the number of training rows.
        example_noise: Variance that one seed's difference has from its examples; 0 where it is not known.
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
    largest = max(abs(scores[seed]) for scores in (first, second) for seed in seeds)
    spread = max(sample_variance(gaps, scale=largest), example_noise)
    estimate = t_estimate(float(gaps.mean()), (1 / len(seeds) + test_to_train) * spread, len(seeds) - 1, level=level)
    return Difference(estimate, "nested", VarianceComponents(spread, 0.0, 0.0), len(seeds), 0)


def in_order_of(first: Scores, second: Scores) -> Scores:
    """The second contender with its rows in the order of the first.

    Raises:
        ValueError: If the contenders were tested on different rows.
    """
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
    value = float(table.mean())
    if num_examples == 1 or (num_seeds == 1 and not deterministic):
        return unknown_difference(value, num_seeds, num_examples, level=level)
    if num_seeds == 1:
        spread = sample_variance(table[0])
        variance, df, components = spread / num_examples, num_examples - 1.0, VarianceComponents(0.0, spread, 0.0)
    else:
        squares = mean_squares(table)
        variance, df = variance_of_mean(squares)
        components = variance_components(squares)
    if variance == 0:
        variance, df = decided_noise(table.mean(axis=0))
    design = "deterministic" if num_seeds == 1 else "crossed"
    return Difference(t_estimate(value, variance, df, level=level), design, components, num_seeds, num_examples)


def unknown_difference(value: float, num_seeds: int, num_examples: int, *, level: float) -> Difference:
    """One seed says nothing of others, one example nothing of others."""
    components = VarianceComponents(math.nan, math.nan, math.nan)
    return Difference(t_estimate(value, math.nan, 0.0, level=level), "unknown", components, num_seeds, num_examples)
