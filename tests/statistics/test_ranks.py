"""Ranks over data sets against Demšar's worked example, scipy and scikit-posthocs."""

import numpy as np
import pytest
import scikit_posthocs
from scipy import stats

from poolsweep.statistics import critical_difference, friedman_test, ranks
from poolsweep.statistics.ranks import CriticalDifference

# Demšar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7, table 6: area under the
# curve of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.975, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)
NAMES = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")


def diagram(values, names=NAMES, **options) -> CriticalDifference:
    return critical_difference(names, values, **options)


def test_demsars_mean_ranks():
    # The paper breaks the rounding tie on "voting" (0.975, 0.975) by unprinted digits, ranks 2 and 3.
    mean_ranks = ranks(DEMSAR + np.outer(np.arange(14) == 12, [0, 0, 1e-4, 0])).mean(axis=0)
    assert mean_ranks.round(3).tolist() == [3.143, 2.0, 2.893, 1.964]


def test_demsars_friedman_statistic():
    # His 9.28 is without the correction for ties, which can only raise it.
    values = DEMSAR + np.outer(np.arange(14) == 12, [0, 0, 1e-4, 0])
    mean_ranks = ranks(values).mean(axis=0)
    uncorrected = 12 * 14 / (4 * 5) * (np.sum(mean_ranks**2) - 4 * 5**2 / 4)
    assert uncorrected == pytest.approx(9.28, abs=0.005)
    tied = (4**3 - 4) + 3 * (2**3 - 2)  # four alike on mushroom; two on iris, lung cancer and primary tumor
    assert friedman_test(values).chi_square == pytest.approx(uncorrected / (1 - tied / (14 * 4 * 15)))


def test_demsars_critical_differences():
    """Section 3.2.2: 1.25 at the 5% and 1.12 at the 10% level."""
    assert diagram(DEMSAR).critical_difference == pytest.approx(1.25, abs=0.005)
    assert diagram(DEMSAR, level=0.9).critical_difference == pytest.approx(1.12, abs=0.005)


def test_demsars_groups():
    """Section 3.2.2: at 10% C4.5 differs from both +m variants, C4.5+cf from neither."""
    found = diagram(DEMSAR, level=0.9)
    assert found.names == ("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5")
    assert found.groups == (("C4.5+m+cf", "C4.5+m", "C4.5+cf"), ("C4.5+cf", "C4.5"))
    assert diagram(DEMSAR).groups == (found.names,)


@pytest.mark.parametrize("seed", range(3))
def test_friedman_against_scipy_with_and_without_ties(seed):
    values = np.random.default_rng(seed).normal(size=(9, 5)).round(seed)
    expected = stats.friedmanchisquare(*values.T)
    result = friedman_test(values)
    assert (result.chi_square, result.p_value) == pytest.approx((expected.statistic, expected.pvalue))


def test_iman_and_davenport():
    result = friedman_test(DEMSAR)
    expected = 13 * result.chi_square / (14 * 3 - result.chi_square)
    assert result.f_statistic == pytest.approx(expected)
    assert result.f_p_value == pytest.approx(stats.f.sf(expected, 3, 39))


def test_nemenyi_against_scikit_posthocs():
    found = diagram(DEMSAR)
    expected = scikit_posthocs.posthoc_nemenyi_friedman(DEMSAR).to_numpy()
    order = [NAMES.index(name) for name in found.names]
    assert found.p_values == pytest.approx(expected[np.ix_(order, order)], abs=1e-4)


def test_ranks_against_scipy():
    values = np.random.default_rng(0).normal(size=(6, 4)).round(1)
    assert ranks(values) == pytest.approx(stats.rankdata(-values, axis=1))
    assert ranks(values, higher_is_better=False) == pytest.approx(stats.rankdata(values, axis=1))


def test_lower_is_better_turns_the_order():
    assert diagram(-DEMSAR, higher_is_better=False).names == diagram(DEMSAR).names


def test_two_contenders_are_separated_by_enough_data_sets():
    assert diagram([[0, 1]] * 3, ["a", "b"]).groups == (("b", "a"),)
    assert diagram([[0, 1]] * 4, ["a", "b"]).groups == ()


def test_all_tied_is_no_difference():
    result = friedman_test(np.ones((4, 3)))
    assert (result.chi_square, result.p_value) == (0, 1)


def test_perfect_agreement_has_no_finite_f():
    result = friedman_test([[1, 2, 3]] * 4)
    assert result.chi_square == 8
    assert result.f_p_value == 0


@pytest.mark.parametrize("values", [[[0.1, np.nan], [0.2, 0.3]], [], [0.1, 0.2]])
def test_missing_values_are_refused(values):
    with pytest.raises(ValueError, match="none missing"):
        ranks(values)


def test_too_few_data_sets_and_wrong_names_are_refused():
    with pytest.raises(ValueError, match="got 1 and 4"):
        friedman_test(DEMSAR[:1])
    with pytest.raises(ValueError, match="2 names for 4 contenders"):
        diagram(DEMSAR, ["a", "b"])
