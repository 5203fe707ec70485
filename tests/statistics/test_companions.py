"""Sign flips against scipy, effect sizes by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from poolsweep.statistics import effect_size, sign_flip_test


def test_five_seeds_cannot_go_below_a_sixteenth():
    result = sign_flip_test([0.02, 0.01, 0.03, 0.01, 0.02])
    assert (result.p_value, result.smallest_p, result.exact) == (0.0625, 0.0625, True)


def test_sign_flips_by_hand():
    # of the 8 sums of ±1 ±2 ±3, |sum| >= |1 + 2 - 3| = 0 is all, |sum| >= 6 is two, |sum| >= 4 is four
    assert sign_flip_test([1, 2, -3]).p_value == 1
    assert sign_flip_test([1, 2, 3]).p_value == 2 / 8
    assert sign_flip_test([-1, 2, 3]).p_value == 4 / 8


def test_sign_flips_against_scipy():
    gaps = np.random.default_rng(0).normal(0.4, 1, 10)
    expected = stats.permutation_test((gaps,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_test(gaps).p_value == pytest.approx(expected.pvalue)


def test_many_seeds_draw_signs_and_agree_with_the_t_test():
    gaps = np.random.default_rng(1).normal(0.3, 1, 40)
    result = sign_flip_test(gaps)
    assert not result.exact
    assert result.p_value == pytest.approx(stats.ttest_1samp(gaps, 0).pvalue, abs=0.01)
    assert result == sign_flip_test(gaps), "the draws are seeded"


def test_no_difference_has_a_p_of_one():
    assert sign_flip_test([0.0, 0.0, 0.0]).p_value == 1


def test_sign_flips_of_nothing_are_refused():
    with pytest.raises(ValueError, match="one per seed"):
        sign_flip_test([])


def test_paired_d_and_its_correction_at_five_seeds():
    by_seed = np.array([0.01, 0.02, 0.00, 0.03, 0.04])
    effect = effect_size(np.tile(by_seed[:, None], (1, 10)))
    # Hedges (1981), table 1: c(4) = 0.7979
    assert effect.hedges_g == pytest.approx(0.7979 * 0.02 / by_seed.std(ddof=1), rel=1e-4)


def test_win_shares_count_ties_half():
    effect = effect_size([[1, 0, 0, -1], [1, 1, 0, 0]])
    assert effect.seed_win_share == (0.5 + 1) / 2
    assert effect.decided_share == 4 / 8


def test_one_seed_has_win_shares_only():
    effect = effect_size([[1, 0, 0, 0]])
    assert math.isnan(effect.hedges_g)
    assert effect.seed_win_share == 1


def test_seeds_that_agree():
    """A spread that is estimated as 0 is no unit: not an infinite effect."""
    for value in (0.0, -0.1):
        effect = effect_size(np.full((3, 4), value))
        assert math.isnan(effect.hedges_g)


def test_two_seeds_are_too_few_for_the_correction():
    assert math.isnan(effect_size([[1, 0, 1], [1, 0, 0]]).hedges_g)


def test_no_table_is_refused():
    with pytest.raises(ValueError, match="seeds by examples"):
        effect_size([1, 2])
