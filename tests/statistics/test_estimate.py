"""t intervals, and the summary of one number per seed."""

import math

import pytest
from scipy import stats

from poolsweep.statistics import seed_summary
from poolsweep.statistics.estimate import MAX_DF, t_estimate, t_quantile

VALUES = [0.81, 0.84, 0.79, 0.83, 0.85]


@pytest.mark.parametrize(("value", "variance", "df"), [(0.02, 1e-4, 4.0), (-1.5, 0.3, 2.7), (0.1, 0.2, 1e12)])
def test_interval_and_p_are_scipys(value, variance, df):
    found = t_estimate(value, variance, df, level=0.9)
    error = math.sqrt(variance)
    low, high = stats.t.interval(0.9, min(df, MAX_DF), value, error)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(value) / error, min(df, MAX_DF)))
    assert found.significant == (low > 0 or high < 0)


def test_no_variance_and_unknown_variance():
    """An estimated variance of 0 is no certainty."""
    for variance in (0.0, math.nan):
        unknown = t_estimate(0.1, variance, 4)
        assert math.isnan(unknown.low)
        assert math.isnan(unknown.standard_error)
        assert (unknown.p_value, unknown.significant) == (1.0, False)


def test_the_quantile_is_scipys_and_a_level_beyond_1_is_refused():
    assert t_quantile(0.975, 4) == pytest.approx(stats.t.ppf(0.975, 4))
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        t_estimate(0, 1, 1, level=1.0)


def test_interval_is_scipys():
    summary = seed_summary(VALUES, level=0.9)
    expected = stats.ttest_1samp(VALUES, 0).confidence_interval(0.9)
    assert (summary.low, summary.high) == pytest.approx((expected.low, expected.high))
    assert summary.sd == pytest.approx(stats.tstd(VALUES))


def test_one_seed_has_a_mean_and_nothing_else():
    summary = seed_summary([0.8])
    assert summary.mean == 0.8
    assert math.isnan(summary.sd)
    assert math.isnan(summary.low)


@pytest.mark.parametrize("value", [0.5, 0.1])
def test_seeds_that_agree_give_no_interval_rather_than_one_without_width(value):
    summary = seed_summary([value] * 3)
    assert (summary.mean, summary.sd) == (pytest.approx(value), 0.0)
    assert math.isnan(summary.low)
    assert math.isnan(summary.half_width)


@pytest.mark.parametrize("values", [[], [0.5, math.nan]])
def test_bad_values_are_refused(values):
    with pytest.raises(ValueError, match="values must"):
        seed_summary(values)


def test_a_level_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
        seed_summary(VALUES, level=95)
