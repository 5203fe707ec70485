"""The verdict on a group, from whatever its runs left."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from studies import write_run

from poolsweep.report.answer import answer
from poolsweep.report.cautions import cautions
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.replicates import Replicate
from poolsweep.report.results import load_runs
from poolsweep.statistics import seed_summary
from poolsweep.tasks import TASKS

of = Replicate.of_seed


@pytest.fixture
def compared(make_study):
    def compare(**options):
        more = {key: options.pop(key) for key in ("metric", "baseline") if key in options}
        return compare_all(load_runs([make_study(**options)]), **more)

    return compare


def test_means_and_intervals_are_scipys(compared):
    [comparison] = compared(seeds=range(5))
    for name, by_seed in comparison.values.items():
        values = list(by_seed.values())
        low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
        summary = comparison.summaries[name]
        assert (summary.mean, summary.low, summary.high) == pytest.approx((np.mean(values), low, high))
    means = [comparison.summaries[name].mean for name in comparison.names]
    assert means == sorted(means, reverse=True)


def test_differences_pair_seeds_and_texts_and_agree_with_the_scores(compared):
    [comparison] = compared()
    assert comparison.basis == "seeds and texts"
    assert comparison.baseline == "cls"
    for name, item in comparison.against.items():
        wanted = comparison.summaries[name].mean - comparison.summaries["cls"].mean
        assert item.value == pytest.approx(wanted)
        assert item.p_value == comparison.family.between("cls", name).p_value, "as in the matrix of all pairs"
        assert item.significant == (item.low > 0 or item.high < 0)


def test_the_interval_knows_more_noise_than_that_of_the_seeds(compared):
    [comparison] = compared(num_texts=100, seeds=range(5))
    assert len(comparison.against) == 3, "each but the baseline"
    for name, item in comparison.against.items():
        gaps = [comparison.values[name][of(seed)] - comparison.values["cls"][of(seed)] for seed in range(5)]
        assert item.high - item.low >= 2 * stats.t.ppf(0.975, 4) * 0.999 * seed_summary(gaps).sd / np.sqrt(5)


@pytest.mark.parametrize("metric", ["f1_macro", "mcc"])
def test_other_metrics_pair_by_text_too(compared, metric):
    [comparison] = compared(metric=metric)
    assert comparison.basis == "seeds and texts"
    assert comparison.metric == metric
    assert comparison.leading[0] == comparison.names[0]


def test_one_seed_gives_no_verdict(compared):
    [comparison] = compared(seeds=[0])
    assert comparison.basis == "one seed"
    assert (comparison.leading, comparison.star, comparison.compared, comparison.against) == ((), None, (), {})
    assert np.isnan(comparison.summaries["cls"].low)


def test_where_nothing_is_random_the_texts_alone_give_a_verdict(compared):
    [comparison] = compared(seeds=[0], seeds_are=None)
    assert comparison.basis == "texts"
    gaps = comparison.scores["max"].values[0] - comparison.scores["cls"].values[0]
    assert comparison.pairwise.differences["max", "cls"].estimate.p_value == pytest.approx(
        stats.ttest_1samp(gaps, 0).pvalue
    )
    assert "that is about other test texts alone" in answer(comparison)


def test_who_has_one_seed_is_left_out_of_the_verdict_of_the_others(make_study):
    study = make_study()
    write_run(study, pooling="elmo", seed=0, skill=0.99)
    [comparison] = compare_all(load_runs([study]))
    assert comparison.names[0] == "elmo"
    assert "elmo" not in comparison.compared
    assert comparison.star is None
    assert np.isnan(comparison.difference("elmo", "cls").low)
    assert (True, "One seed, so left out of the verdict: elmo.") in cautions(comparison)


def test_without_predictions_seeds_are_all_there_is(compared):
    [comparison] = compared(predictions=False)
    assert comparison.basis == "seeds"
    assert not comparison.scores
    estimate = comparison.pairwise.differences["max", "cls"].estimate
    gaps = [comparison.values["max"][of(seed)] - comparison.values["cls"][of(seed)] for seed in (0, 1, 2)]
    assert estimate.p_value == pytest.approx(stats.ttest_1samp(gaps, 0).pvalue)


def test_without_predictions_and_with_one_seed_nothing_is_compared(compared):
    [comparison] = compared(predictions=False, seeds=[0])
    assert (comparison.basis, comparison.pairwise, comparison.family) == ("nothing", None, None)
    assert comparison.leading == ()
    assert comparison.compared == ()
    assert comparison.against == {}


def test_a_contender_without_predictions_keeps_its_mean_and_is_left_out_of_the_verdict(make_study):
    study = make_study()
    for run in load_runs([study]):
        if run.facts["pooling"] == "max":
            run.folder.predictions("test").unlink()
    [comparison] = compare_all(load_runs([study]))
    assert "max" in comparison.names
    assert "max" not in comparison.compared
    assert "max" not in comparison.against


def test_without_the_baseline_there_is_no_difference_to_it(compared):
    [comparison] = compared(baseline="nobody")
    assert comparison.baseline is None
    assert comparison.against == {}
    assert comparison.leading


def write_errors(folder, *, bias):
    """Scores of texts by runs of a regression: what is predicted lies by the bias too high, and some noise."""
    for pooling, shift in bias.items():
        for seed in (0, 1, 2):
            noise = np.random.default_rng([seed, len(pooling)]).normal(size=60) * 0.1
            targets = np.linspace(0, 5, 60)
            predicted = targets + shift + noise
            mae = float(np.abs(predicted - targets).mean())
            path = write_run(folder, pooling=pooling, seed=seed, predictions=False, task="regression",
                             measured=["mae", "rmse"], metrics={"test/mae": mae, "val/mae": mae})  # fmt: skip
            task = TASKS["regression"]()
            contract = task.contract(pa.chunked_array([["0.0", "5.0"]]), given=None)
            (path / "labels.json").write_text(json.dumps(contract.to_mapping()))
            table = {"row_id": np.arange(60), **task.columns(contract, targets, predicted[:, None])}
            pq.write_table(pa.table(table), path / "predictions-test.parquet")


def test_an_error_is_better_the_lower_it_is(outputs):
    write_errors(outputs / "s", bias={"cls": 0.5, "max": 0.1})
    [comparison] = compare_all(load_runs([outputs / "s"]))
    assert (comparison.metric, comparison.names, comparison.leading) == ("mae", ("max", "cls"), ("max",))
    difference = comparison.difference("max", "cls")
    gap = comparison.summaries["max"].mean - comparison.summaries["cls"].mean
    assert difference.value == pytest.approx(gap)
    assert difference.low < gap < difference.high < 0
    told = answer(comparison)
    assert told.startswith("max has the lowest test mean absolute error: 0.1")
    assert "%" not in told.replace("95% interval", "")
    assert "points" not in told
