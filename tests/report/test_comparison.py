"""The verdict on a group, from whatever its runs left."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from poolsweep.report.leaderboard import compare_all
from poolsweep.report.predictions import read_predictions
from poolsweep.report.results import load_runs
from poolsweep.report.statistics import seed_summary


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
        assert item.estimate.value == pytest.approx(wanted)
    names = list(comparison.against)
    plain = [comparison.against[name].estimate.p_value for name in names]
    holm = multipletests(plain, method="holm")[1]
    assert [comparison.against[name].adjusted_p for name in names] == pytest.approx(list(holm))


def test_the_interval_knows_more_noise_than_that_of_the_seeds(compared):
    [comparison] = compared(num_texts=100, seeds=range(5))
    for name, item in comparison.against.items():
        gaps = [comparison.values[name][seed] - comparison.values["cls"][seed] for seed in range(5)]
        assert item.estimate.standard_error >= 0.999 * seed_summary(gaps).sd / np.sqrt(5)


@pytest.mark.parametrize("metric", ["f1_macro", "mcc"])
def test_other_metrics_pair_by_text_too(compared, metric):
    [comparison] = compared(metric=metric)
    assert comparison.basis == "seeds and texts"
    assert comparison.metric == metric
    assert comparison.leading[0] == comparison.names[0]


def test_one_seed_rests_on_texts_alone(compared):
    [comparison] = compared(seeds=[0])
    assert comparison.basis == "texts"
    assert comparison.leading, "texts alone give a verdict, which the cautions hedge"
    assert np.isnan(comparison.summaries["cls"].low)


def test_without_predictions_seeds_are_all_there_is(compared):
    [comparison] = compared(predictions=False)
    assert comparison.basis == "seeds"
    assert not comparison.scores
    estimate = comparison.against["max"].estimate
    gaps = [comparison.values["max"][seed] - comparison.values["cls"][seed] for seed in (0, 1, 2)]
    assert estimate.p_value == pytest.approx(stats.ttest_1samp(gaps, 0).pvalue)


def test_without_predictions_and_with_one_seed_nothing_is_compared(compared):
    [comparison] = compared(predictions=False, seeds=[0])
    assert (comparison.basis, comparison.pairwise, comparison.best) == ("nothing", None, None)
    assert comparison.leading == ()
    assert comparison.compared == ()
    assert comparison.against == {}


def test_splits_of_their_own_allow_for_their_overlap(make_study):
    study = make_study()
    for folder in study.iterdir():
        run = load_runs([study])[0].__class__(folder, {})
        seed = int(folder.joinpath("config.yaml").read_text().split("seed: ")[-1])
        found = read_predictions(run)
        assert found is not None
        _shift_rows(folder / "predictions-test.parquet", 1000 * seed)
    [comparison] = compare_all(load_runs([study]))
    assert comparison.basis == "splits"
    gaps = np.array([comparison.values["max"][seed] - comparison.values["cls"][seed] for seed in (0, 1, 2)])
    wanted = np.sqrt((1 / 3 + 200 / 800) * gaps.var(ddof=1))
    assert comparison.against["max"].estimate.standard_error == pytest.approx(wanted)


def _shift_rows(path, by: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    rows = pa.array(table.column("row_id").to_numpy() + by)
    pq.write_table(table.set_column(table.schema.get_field_index("row_id"), "row_id", rows), path)


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
