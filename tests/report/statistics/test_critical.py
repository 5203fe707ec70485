"""The largest of several t statistics against scipy and Dunnett's table."""

import numpy as np
import pytest
from scipy import stats

from poolsweep.report.statistics.critical import LargestT


def equicorrelated(num, correlation=0.5):
    return np.full((num, num), correlation) + (1 - correlation) * np.eye(num)


@pytest.mark.parametrize(
    ("num", "df", "expected"),
    [(2, 5, 2.44), (3, 20, 2.19), (4, 10, 2.47), (5, 30, 2.33), (9, 60, 2.48), (9, np.inf, 2.42)],
)
def test_dunnetts_table(num, df, expected):
    """One-sided 5% points, Dunnett (1955), "A multiple comparison procedure", table 1a."""
    assert LargestT.of(num, equicorrelated(num)).quantile(0.95, df) == pytest.approx(expected, abs=0.011)


@pytest.mark.parametrize("df", [4, 11.5, 200])
def test_tail_against_scipys_multivariate_t(df):
    correlation = np.array([[1, 0.8, 0.1], [0.8, 1, -0.3], [0.1, -0.3, 1]])
    reference = stats.multivariate_t(shape=correlation, df=df, seed=0)
    largest = LargestT.of(3, correlation)
    for statistic in (0.5, 1.5, 2.5, 4.0):
        expected = 1 - reference.cdf([statistic] * 3)
        assert largest.tail(statistic, df) == pytest.approx(expected, abs=0.002)


def test_tail_against_scipys_dunnett():
    generator = np.random.default_rng(0)
    groups = [generator.normal(loc, 1, 8) for loc in (0.6, 0.2, 0.9)]
    control = generator.normal(0, 1, 8)
    expected = stats.dunnett(*groups, control=control, alternative="greater", random_state=0)
    largest = LargestT.of(3, equicorrelated(3))
    ours = [largest.tail(statistic, 28) for statistic in expected.statistic]
    assert ours == pytest.approx(list(expected.pvalue), abs=0.003)


def test_one_statistic_is_students_t():
    assert LargestT.of(1, [[1.0]]).quantile(0.95, 4) == pytest.approx(stats.t.ppf(0.95, 4))
    assert LargestT.of(1, [[1.0]]).tail(2.0, 4) == pytest.approx(stats.t.sf(2.0, 4))


def test_statistics_that_are_one_and_the_same_count_once():
    assert LargestT.of(3, np.ones((3, 3))).quantile(0.95, 8) == pytest.approx(stats.t.ppf(0.95, 8), abs=0.005)


def test_unknown_correlation_is_bonferroni_and_never_smaller():
    unknown = LargestT.of(4, None)
    assert unknown.quantile(0.95, 8) == pytest.approx(stats.t.ppf(1 - 0.05 / 4, 8))
    assert unknown.tail(0.0, 8) == 1
    for correlation in (0.0, 0.5, 0.9):
        assert LargestT.of(4, equicorrelated(4, correlation)).quantile(0.95, 8) < unknown.quantile(0.95, 8)


def test_quantile_and_tail_are_inverse():
    largest = LargestT.of(5, equicorrelated(5))
    for level in (0.5, 0.9, 0.99):
        assert largest.tail(largest.quantile(level, 6), 6) == pytest.approx(1 - level, abs=1e-3)
