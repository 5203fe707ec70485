"""Mean ranks over data sets, against scipy and scikit-posthocs."""

from __future__ import annotations

import numpy as np
import pytest
import scikit_posthocs
from scipy import stats
from studies import write_run

from poolsweep.report.charts.across import across_data_sets, sentence
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs

DATA = ("animals", "birds", "plants", "stones")


@pytest.fixture
def four(make_study):
    return compare_all(load_runs([make_study(data=DATA, seeds=[0, 1])]))


def test_ranks_and_tests_are_those_of_scipy_and_scikit_posthocs(four):
    [across] = across_data_sets(four)
    assert across.means.shape == (4, 4)
    ranks = np.mean([stats.rankdata(-row) for row in across.means], axis=0)
    assert across.ranking.mean_ranks == pytest.approx(list(ranks))
    assert list(ranks) == sorted(ranks)
    wanted = stats.friedmanchisquare(*across.means.T).pvalue
    assert across.ranking.friedman.p_value == pytest.approx(wanted)
    nemenyi = scikit_posthocs.posthoc_nemenyi_friedman(across.means).to_numpy()
    gap = np.abs(ranks[:, None] - ranks[None, :])
    same = {frozenset(pair) for group in across.ranking.groups for pair in [(a, b) for a in group for b in group]}
    for i, first in enumerate(across.names):
        for j, second in enumerate(across.names):
            if i != j and abs(nemenyi[i, j] - 0.05) > 1e-3:
                assert (nemenyi[i, j] > 0.05) == (gap[i, j] < across.ranking.critical_difference)
                assert (frozenset((first, second)) in same) == (nemenyi[i, j] > 0.05)
    assert across.overall == pytest.approx(list(across.means.mean(axis=0)))


def test_poolings_that_a_data_set_lacks_are_left_out(make_study):
    study = make_study(data=DATA[:2], seeds=[0])
    write_run(study, pooling="elmo", seed=0, data="animals")
    [across] = across_data_sets(compare_all(load_runs([study])))
    assert across.left_out == ("elmo",)
    assert len(across.names) == 4


def test_one_data_set_or_one_pooling_in_common_gives_none(make_study):
    assert across_data_sets(compare_all(load_runs([make_study("one")]))) == []
    study = make_study("two", poolings=["cls"], seeds=[0])
    write_run(study, pooling="cls", seed=0, data="birds")
    write_run(study, pooling="max", seed=0, data="birds")
    assert across_data_sets(compare_all(load_runs([study]))) == []


def test_encoders_compete_under_full_names(make_study):
    study = make_study(data=DATA[:2], seeds=[0], poolings=("cls", "max"))
    for data in DATA[:2]:
        for pooling in ("cls", "max"):
            write_run(study, pooling=pooling, seed=0, data=data, encoder="other")
    [across] = across_data_sets(compare_all(load_runs([study])))
    assert sorted(across.names) == sorted(
        f"{encoder}/{pooling}" for encoder in ("other", "tiny") for pooling in ("cls", "max")
    )
    means = {run.facts["data"]: run.metric("test/accuracy") for run in load_runs([study])
             if (run.facts["encoder"], run.facts["pooling"]) == ("other", "max")}  # fmt: skip
    assert [mean for mean, _ in across.row("other/max")] == [means[data] for data in sorted(means)]


def test_the_sentence_hedges(four):
    [across] = across_data_sets(four)
    text = sentence(across)
    assert text.startswith(
        f"Over 4 data sets {across.names[0]} has the best mean rank ({across.ranking.mean_ranks[0]:.2f})"
    )
    assert text.endswith("With 4 data sets ranks separate next to nothing.")
