"""Effect sizes by hand."""

import math

import numpy as np
import pytest

from poolsweep.statistics import effect_size


def test_paired_d_and_its_correction_at_five_seeds():
    by_seed = np.array([0.01, 0.02, 0.00, 0.03, 0.04])
    effect = effect_size(np.tile(by_seed[:, None], (1, 10)))
    assert effect.cohen_d == pytest.approx(0.02 / by_seed.std(ddof=1))
    # Hedges (1981), table 1: c(4) = 0.7979
    assert effect.hedges_g / effect.cohen_d == pytest.approx(0.7979, abs=1e-4)


def test_win_shares_count_ties_half():
    effect = effect_size([[1, 0, 0, -1], [1, 1, 0, 0]])
    assert effect.seed_win_share == (0.5 + 1) / 2
    assert effect.example_win_share == (3 + 4 / 2) / 8
    assert effect.decided_share == 4 / 8


def test_one_seed_has_win_shares_only():
    effect = effect_size([[1, 0, 0, 0]])
    assert math.isnan(effect.cohen_d)
    assert effect.seed_win_share == 1


def test_seeds_that_agree():
    """A spread that is estimated as 0 is no unit: not an infinite effect."""
    for value in (0.0, -0.1):
        effect = effect_size(np.full((3, 4), value))
        assert math.isnan(effect.cohen_d)
        assert math.isnan(effect.hedges_g)


def test_two_seeds_are_too_few_for_the_correction():
    effect = effect_size([[1, 0, 1], [1, 0, 0]])
    assert effect.cohen_d > 0
    assert math.isnan(effect.hedges_g)


def test_something_else_is_refused():
    with pytest.raises(ValueError, match="seeds by examples"):
        effect_size([1, 2])
