"""Other views of the differences agree with what they are named after."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from poolsweep.report.findings import Companion, companions
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.replicates import Replicate
from poolsweep.report.results import load_runs

of = Replicate.of_seed


def test_each_contender_but_the_baseline_with_scipys_sign_flips(make_study):
    [comparison] = compare_all(load_runs([make_study(seeds=range(5))]))
    found = companions(comparison)
    assert [one.name for one in found] == [name for name in comparison.names if name != "cls"]
    for one in found:
        ours, base = (comparison.values[name] for name in (one.name, "cls"))
        gaps = np.array([ours[of(seed)] - base[of(seed)] for seed in range(5)])
        assert one.signs is not None
        assert one.signs.smallest_p == 2 / 2**5
        wanted = stats.permutation_test((gaps,), np.mean, permutation_type="samples", alternative="two-sided",
                                        n_resamples=np.inf)  # fmt: skip
        assert one.signs.p_value == pytest.approx(wanted.pvalue)
        assert one.effect.seed_win_share == (gaps > 0).mean() + (gaps == 0).mean() / 2


@pytest.mark.parametrize(
    ("g", "shown", "sorted_by"),
    [
        (-0.5, "−0.50", "-0.5"),
        (math.nan, "–", ""),
        (-1e-9, "+0.00", "-1e-09"),
    ],
)
def test_hedges_g_as_shown_and_as_sorted(g: float, shown: str, sorted_by: str):
    one = Companion("max", signs=None, effect=SimpleNamespace(hedges_g=g))
    assert (one.hedges_g, one.hedges_g_for_sorting) == (shown, sorted_by)


def test_where_nothing_is_random_there_are_no_signs_and_no_g(make_study):
    [comparison] = compare_all(load_runs([make_study(seeds=[0], seeds_are=None)]))
    found = companions(comparison)
    assert len(found) == 3
    assert all(one.signs is None and one.hedges_g == "–" for one in found)


@pytest.mark.parametrize("options", [{"predictions": False}, {"poolings": ["max", "elmo"]}, {"seeds": [0]}])
def test_without_predictions_a_baseline_or_seeds_there_are_none(make_study, options):
    [comparison] = compare_all(load_runs([make_study(**options)]))
    assert companions(comparison) == []
