"""The largest of several t statistics against scipy, quadrature and simulation."""

import numpy as np
import pytest
from scipy import optimize, stats

from poolsweep.statistics.critical import LargestT, kept_correlation


def equicorrelated(num, correlation=0.5):
    return np.full((num, num), correlation) + (1 - correlation) * np.eye(num)


@pytest.mark.parametrize("num", [2, 4, 11, 19])
def test_dunnetts_point_by_quadrature(num):
    """For infinite degrees of freedom, P(max ≤ x) = ∫ φ(z) Φ(√2 x + z)^num dz, as in Dunnett (1955)."""
    z = np.linspace(-8, 8, 2001)

    def below(x):
        return np.trapezoid(stats.norm.pdf(z) * stats.norm.cdf(np.sqrt(2) * x + z) ** num, z)

    exact = optimize.brentq(lambda x: below(x) - 0.95, 0, 6)
    assert LargestT.of(num, equicorrelated(num)).quantile(0.95, np.inf) == pytest.approx(exact, abs=0.006)


def test_tail_against_scipys_multivariate_normal():
    correlation = np.array([[1, 0.8, 0.1], [0.8, 1, -0.3], [0.1, -0.3, 1]])
    reference = stats.multivariate_normal(cov=correlation, seed=0)
    largest = LargestT.of(3, correlation)
    for statistic in (0.5, 1.5, 2.5, 3.5):
        assert largest.tail(statistic, np.inf) == pytest.approx(1 - reference.cdf([statistic] * 3), abs=0.002)


def test_tail_is_near_scipys_dunnett_and_not_below():
    """With 28 degrees of freedom the scales of their own make little difference."""
    generator = np.random.default_rng(0)
    groups = [generator.normal(loc, 1, 8) for loc in (0.6, 0.2, 0.9)]
    control = generator.normal(0, 1, 8)
    expected = stats.dunnett(*groups, control=control, alternative="greater", random_state=0)
    largest = LargestT.of(3, equicorrelated(3), df=28)
    for statistic, p_value in zip(expected.statistic, expected.pvalue, strict=True):
        assert p_value - 0.003 <= largest.tail(statistic, 28) <= p_value + 0.02


@pytest.mark.parametrize(("num_contenders", "num_seeds"), [(4, 5), (12, 5), (12, 10)])
def test_statistics_with_errors_of_their_own(num_contenders, num_seeds):
    """The largest paired t of equal contenders against the first; a scale that all share falls short at 5 seeds."""
    values = np.random.default_rng(0).normal(size=(20_000, num_seeds, num_contenders))
    gaps = values[:, :, 1:] - values[:, :, :1]
    largest = (gaps.mean(axis=1) / gaps.std(axis=1, ddof=1) * np.sqrt(num_seeds)).max(axis=1)
    num, df = num_contenders - 1, num_seeds - 1
    critical = LargestT.of(num, equicorrelated(num), df=df).quantile(0.95, df)
    assert 0.943 <= np.mean(largest <= critical) <= 0.962
    assert critical < stats.t.isf(0.05 / num, df), "premise: Bonferroni's bound is wider"


def test_one_statistic_is_students_t():
    assert LargestT.of(1, [[1.0]]).quantile(0.95, 4) == pytest.approx(stats.t.ppf(0.95, 4))
    assert LargestT.of(1, [[1.0]]).tail(2.0, 4) == pytest.approx(stats.t.sf(2.0, 4))


def test_statistics_that_are_one_and_the_same_count_once():
    assert LargestT.of(3, np.ones((3, 3))).quantile(0.95, 1e6) == pytest.approx(stats.norm.ppf(0.95), abs=0.005)


def test_unknown_correlation_is_bonferroni_and_never_smaller():
    unknown = LargestT.of(4, None)
    assert unknown.quantile(0.95, 8) == pytest.approx(stats.t.ppf(1 - 0.05 / 4, 8))
    assert unknown.tail(0.0, 8) == 1
    for correlation in (0.0, 0.5, 0.9):
        known = LargestT.of(4, equicorrelated(4, correlation), df=8)
        assert known.quantile(0.95, 8) < unknown.quantile(0.95, 8)


def test_far_tails_stay_between_one_statistic_and_bonferroni():
    largest = LargestT.of(5, equicorrelated(5), df=50)
    alone = stats.t.sf(9.0, 50)
    assert alone <= largest.tail(9.0, 50) <= 5 * alone
    assert largest.tail(-9.0, 50) == 1


def test_quantile_and_tail_are_inverse():
    largest = LargestT.of(5, equicorrelated(5), df=6)
    for level in (0.5, 0.9, 0.99):
        assert largest.tail(largest.quantile(level, 6), 6) == pytest.approx(1 - level, abs=1e-3)


def test_more_degrees_of_freedom_keep_more_of_the_correlation():
    kept = [kept_correlation(df) for df in (1, 2, 3, 4, 10, 100, 1e12, np.inf)]
    assert kept[:2] == [0, 0]
    assert kept == sorted(kept)
    assert kept[-1] == pytest.approx(1, abs=1e-5)


def test_kept_correlation_is_that_of_t_statistics():
    """Without its factor df/(df + 2) for the estimate, by simulation at 6 degrees of freedom."""
    generator = np.random.default_rng(0)
    normal = generator.multivariate_normal([0, 0], equicorrelated(2, 0.9), size=400_000)
    statistics = normal / np.sqrt(generator.chisquare(6, size=normal.shape) / 6)
    assert np.corrcoef(statistics.T)[0, 1] == pytest.approx(0.9 * kept_correlation(6) * 8 / 6, abs=0.01)
