"""Contenders that share texts but not seeds."""

import numpy as np
import pytest
from scipy import stats

from poolsweep.statistics.unpaired import unpaired_variance


def table(seeds, examples, *, seed_noise, seed):
    chance = np.random.default_rng(seed)
    return chance.normal(size=(1, examples)) + seed_noise * chance.normal(size=(seeds, 1)) + 0.1 * chance.normal(
        size=(seeds, examples)
    )  # fmt: skip


def test_with_next_to_no_noise_of_examples_it_is_welchs_t():
    shared = np.random.default_rng(5).normal(size=(1, 50))
    first, second = (shared + np.random.default_rng(i).normal(size=(5 - i, 1)) for i in (0, 1))
    variance, df, _ = unpaired_variance(first, second)
    a, b = first.mean(axis=1), second.mean(axis=1)
    assert variance == pytest.approx(a.var(ddof=1) / 5 + b.var(ddof=1) / 4)
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert abs(a.mean() - b.mean()) / np.sqrt(variance) == pytest.approx(abs(welch.statistic))
    assert df == pytest.approx(welch.df, rel=0.02)


def test_it_is_no_less_than_the_noise_of_either_source():
    first, second = table(5, 60, seed_noise=0.3, seed=1), table(4, 60, seed_noise=0.3, seed=2)
    variance, _, components = unpaired_variance(first, second)
    gaps = first.mean(axis=0) - second.mean(axis=0)
    over_seeds = sum(t.mean(axis=1).var(ddof=1) / len(t) for t in (first, second))
    assert variance >= gaps.var(ddof=1) / 60
    assert variance >= over_seeds * 0.999999
    assert min(components.seed, components.example, components.residual) >= 0
