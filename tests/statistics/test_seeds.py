"""The t interval over seeds."""

import math

import pytest
from scipy import stats

from poolsweep.statistics import seed_summary

VALUES = [0.81, 0.84, 0.79, 0.83, 0.85]


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
