"""t estimates against scipy."""

import math

import pytest
from scipy import stats

from poolsweep.statistics.estimate import MAX_DF, t_estimate, t_quantile


@pytest.mark.parametrize(("value", "variance", "df"), [(0.02, 1e-4, 4.0), (-1.5, 0.3, 2.7), (0.1, 0.2, 1e12)])
def test_interval_and_p_are_scipys(value, variance, df):
    found = t_estimate(value, variance, df, level=0.9)
    error = math.sqrt(variance)
    low, high = stats.t.interval(0.9, min(df, MAX_DF), value, error)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(value) / error, min(df, MAX_DF)))
    assert found.excludes_zero == (low > 0 or high < 0)


def test_no_variance_and_unknown_variance():
    """An estimated variance of 0 is no certainty."""
    for variance in (0.0, math.nan):
        unknown = t_estimate(0.1, variance, 4)
        assert math.isnan(unknown.low)
        assert math.isnan(unknown.standard_error)
        assert (unknown.p_value, unknown.excludes_zero) == (1.0, False)


def test_the_quantile_is_scipys_and_a_level_beyond_1_is_refused():
    assert t_quantile(0.975, 4) == pytest.approx(stats.t.ppf(0.975, 4))
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        t_estimate(0, 1, 1, level=1.0)
