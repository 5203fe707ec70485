"""Hand-computed mean squares, components and degrees of freedom, with and without paired seeds."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.formula.api import ols

from poolsweep.statistics.components import (
    MeanSquares,
    lowered_df,
    mean_squares,
    satterthwaite_df,
    unpaired_variance,
    variance_components,
    variance_of_mean,
)

TABLE = [[1.0, 2.0, 3.0], [3.0, 4.0, 8.0]]  # seed means 2 and 5, example means 2, 3, 5.5, grand mean 3.5


def test_mean_squares_by_hand():
    squares = mean_squares(TABLE)
    assert squares.seeds == pytest.approx(3 * (1.5**2 + 1.5**2) / 1)
    assert squares.examples == pytest.approx(2 * (1.5**2 + 0.5**2 + 2**2) / 2)
    assert squares.residual == pytest.approx(3.0 / 2)  # residuals ±0.5, ±0.5, ±1


def test_mean_squares_against_statsmodels():
    table = np.random.default_rng(0).normal(size=(4, 7)) + np.arange(4)[:, None]
    seed, example = np.indices(table.shape)
    frame = pd.DataFrame({"score": table.ravel(), "seed": seed.ravel(), "example": example.ravel()})
    anova = sm.stats.anova_lm(ols("score ~ C(seed) + C(example)", frame).fit())
    squares = mean_squares(table)
    expected = anova["sum_sq"] / anova["df"]
    assert [squares.seeds, squares.examples, squares.residual] == pytest.approx(expected.to_list())


def test_variance_and_degrees_of_freedom_by_hand():
    squares = MeanSquares(seeds=2.0, examples=9.0, residual=1.0, num_seeds=5, num_examples=100)
    variance, df = variance_of_mean(squares)
    assert variance == pytest.approx((2 + 9 - 1) / 500)
    assert df == pytest.approx(10**2 / (2**2 / 4 + 9**2 / 99 + 1**2 / 396))


def test_the_interval_is_no_narrower_than_the_t_over_seeds():
    squares = mean_squares(TABLE)
    variance, df = variance_of_mean(squares)
    assert satterthwaite_df(18.5, [(13.5, 1), (6.5, 2), (1.5, 2)]) == pytest.approx(1.6736, abs=1e-4), "premise"
    seeds_alone = stats.t.ppf(0.999, 1) * math.sqrt(squares.seeds / 6)
    assert stats.t.ppf(0.999, df) * math.sqrt(variance) == pytest.approx(seeds_alone)
    assert 1 < df < 1.6736


@pytest.mark.parametrize("part", [0.0, 0.2, 0.7, 1.0])
def test_lowered_degrees_of_freedom_stay_in_between(part):
    df = lowered_df(80.0, 1.0, part, 3)
    assert 3 <= df <= 80
    assert stats.t.ppf(0.999, df) >= stats.t.ppf(0.999, 3) * math.sqrt(part) - 1e-9


def test_degrees_of_freedom_of_the_examples_are_not_raised():
    assert lowered_df(4.0, 10.0, 1.0, 99) == 4.0
    assert lowered_df(7.0, 0.0, 0.0, 4) == 7.0


def test_components_reassemble_the_variance():
    squares = mean_squares(TABLE)
    variance, _ = variance_of_mean(squares)
    assert variance_components(squares).variance_of_mean(2, 3) == pytest.approx(variance)


def test_components_recover_the_truth_on_a_large_table():
    generator = np.random.default_rng(1)
    table = generator.normal(0, 2, (200, 1)) + generator.normal(0, 3, (1, 300)) + generator.normal(0, 1, (200, 300))
    components = variance_components(mean_squares(table))
    assert components.seed == pytest.approx(4, rel=0.3)
    assert components.example == pytest.approx(9, rel=0.25)
    assert components.residual == pytest.approx(1, rel=0.05)


def test_negative_components_become_zero_and_do_not_shrink_the_variance():
    squares = MeanSquares(seeds=0.5, examples=3.0, residual=1.0, num_seeds=5, num_examples=100)
    assert variance_components(squares).seed == 0
    variance, df = variance_of_mean(squares)
    assert variance == pytest.approx(3.0 / 500), "MS_A below MS_E: the examples alone are left"
    assert df == pytest.approx(9 / (0.25 / 4 + 9 / 99 + 1 / 396))


def test_degrees_of_freedom_never_fall_below_the_shorter_side():
    squares = MeanSquares(seeds=1.0, examples=0.0, residual=0.99, num_seeds=3, num_examples=50)
    assert variance_of_mean(squares)[1] >= 2


def test_seeds_that_agree_leave_the_examples_alone():
    row = np.random.default_rng(2).normal(size=40)
    variance, df = variance_of_mean(mean_squares(np.tile(row, (5, 1))))
    assert variance == pytest.approx(row.var(ddof=1) / 40)
    assert df == pytest.approx(39)


def test_examples_that_agree_leave_the_seeds_alone():
    column = np.random.default_rng(3).normal(size=(5, 1))
    variance, df = variance_of_mean(mean_squares(np.tile(column, (1, 40))))
    assert variance == pytest.approx(column.var(ddof=1) / 5)
    assert df == pytest.approx(4)


def test_a_constant_table_has_no_variance_at_all():
    assert variance_of_mean(mean_squares(np.full((5, 7), 0.1))) == (0.0, math.inf)


def test_satterthwaite_is_welch_for_two_means():
    assert satterthwaite_df(0.3 + 0.7, [(0.3, 4), (0.7, 9)]) == pytest.approx(1 / (0.09 / 4 + 0.49 / 9))


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (5,)])
def test_a_side_that_is_too_short_is_refused(shape):
    with pytest.raises(ValueError, match="at least 2 seeds and 2 examples"):
        mean_squares(np.zeros(shape))


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
