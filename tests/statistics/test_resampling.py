"""The companions against scipy."""

import numpy as np
import pytest
from scipy import stats

from poolsweep.statistics import sign_flip_test, two_way_bootstrap


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


def test_bootstrap_of_one_seed_is_scipys():
    values = np.random.default_rng(2).normal(size=(1, 200))
    expected = stats.bootstrap((values[0],), np.mean, method="percentile", rng=0, n_resamples=5000)
    interval = two_way_bootstrap(values, resamples=5000)
    width = expected.confidence_interval.high - expected.confidence_interval.low
    assert interval.low == pytest.approx(expected.confidence_interval.low, abs=0.07 * width)
    assert interval.high == pytest.approx(expected.confidence_interval.high, abs=0.07 * width)


def test_bootstrap_draws_both_seeds_and_examples():
    generator = np.random.default_rng(3)
    seeds, examples = generator.normal(0, 1, (30, 1)), generator.normal(0, 3, (1, 300))
    interval = two_way_bootstrap(seeds + examples, resamples=4000)
    spread = np.sqrt(seeds.var() / 30 + examples.var() / 300)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * spread, rel=0.07)


def test_bootstrap_is_the_same_each_time():
    values = np.random.default_rng(4).normal(size=(3, 50))
    assert two_way_bootstrap(values) == two_way_bootstrap(values)
    assert two_way_bootstrap(values, seed=1) != two_way_bootstrap(values)


@pytest.mark.parametrize("values", [[], [1.0, 2.0]])
def test_a_bootstrap_of_something_else_is_refused(values):
    with pytest.raises(ValueError, match="seeds by examples"):
        two_way_bootstrap(values)


def test_sign_flips_of_nothing_are_refused():
    with pytest.raises(ValueError, match="one per seed"):
        sign_flip_test([])
