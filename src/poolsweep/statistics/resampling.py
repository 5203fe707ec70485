"""Companions that assume no distribution: the two-way bootstrap and the exact sign-flip test."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_EXACT_SEEDS = 16  # 65,536 sign patterns


@dataclass(frozen=True)
class BootstrapInterval:
    """A percentile interval of a mean and how many resamples it rests on."""

    value: float
    low: float
    high: float
    level: float
    resamples: int


@dataclass(frozen=True)
class SignFlip:
    """A sign-flip test; no data of this many seeds can give a p below ``smallest_p``."""

    p_value: float
    smallest_p: float
    num_seeds: int
    exact: bool


def two_way_bootstrap(
    values: ArrayLike, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> BootstrapInterval:
    """The percentile interval of a mean when seeds and examples are both drawn anew, independently.

    A companion for seeing how far the data alone carry: with few seeds it is too narrow where seeds dominate (they are
    drawn from S values), a little wide where the interaction does (counted up to three times); coverage at 5 seeds is
    tabulated in ``experiments/statistics``.

    Args:
        level: Confidence level.
        resamples: Number of resamples.
        seed: Seed of the resampling; the same gives the same interval.

    Shape:
        values (S, N), differences or scores.

    Raises:
        ValueError: If there are no values.

    Reference:
        Owen, Eckles (2012), "Bootstrapping data arrays of arbitrary order", Annals of Applied Statistics 6(3).
        Differs: multinomial weights, the resampling itself.

    Example:
        >>> interval = two_way_bootstrap([[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0]])
        >>> interval.value, interval.low < 0.625 < interval.high
        (0.625, True)
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"values must be seeds by examples, got shape {table.shape}")
    num_seeds, num_examples = table.shape
    generator = np.random.default_rng(seed)
    means = np.empty(resamples)
    step = max(1, 2_000_000 // num_examples)  # bounds the memory of the drawn indices
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        weights = generator.multinomial(num_seeds, np.full(num_seeds, 1 / num_seeds), size=count) / num_seeds
        by_example = weights @ table
        drawn = generator.integers(num_examples, size=(count, num_examples))
        means[start : start + count] = np.take_along_axis(by_example, drawn, axis=1).mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    if high - low <= 1e-12 * max(float(np.abs(table).max()), 1e-300):  # resamples that agree are no certainty
        low = high = np.nan
    return BootstrapInterval(float(table.mean()), float(low), float(high), level, resamples)


def sign_flip_test(differences: ArrayLike, *, draws: int = 20_000, seed: int = 0) -> SignFlip:
    """The two-sided p-value of a mean of paired differences under all 2^S changes of sign.

    Exact under symmetry, without a distribution, but it is about seeds on this test set only, and it cannot go below
    2/2^S: 0.0625 with 5 seeds. Above 16 seeds signs are drawn at random, p = (1 + hits)/(1 + draws).

    Args:
        differences: One mean difference per seed.
        draws: Random sign patterns, where not all are tried.
        seed: Seed of these.

    Shape:
        differences (S,).

    Raises:
        ValueError: If there is no difference.

    Reference:
        Fisher (1935), "The Design of Experiments", sec. 21. Differs: none.

    Example:
        >>> sign_flip_test([0.01, 0.02, 0.01, 0.03, 0.02])
        SignFlip(p_value=0.0625, smallest_p=0.0625, num_seeds=5, exact=True)
    """
    gaps = np.asarray(differences, dtype=np.float64)
    if gaps.ndim != 1 or gaps.size == 0:
        raise ValueError(f"differences must be one per seed, got shape {gaps.shape}")
    num_seeds = gaps.size
    threshold = abs(gaps.sum()) - 1e-12 * np.abs(gaps).sum()  # rounding must not break ties
    if num_seeds > MAX_EXACT_SEEDS:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, num_seeds))
        hits = int((np.abs(signs @ gaps) >= threshold).sum())
        return SignFlip((1 + hits) / (1 + draws), 1 / (1 + draws), num_seeds, exact=False)
    sums = np.abs(_all_signs(num_seeds) @ gaps)
    return SignFlip(float((sums >= threshold).mean()), min(1.0, 2 / 2**num_seeds), num_seeds, exact=True)


@cache
def _all_signs(num_seeds: int) -> NDArray[np.float64]:
    return np.array(list(itertools.product([-1.0, 1.0], repeat=num_seeds)))
