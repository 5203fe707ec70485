"""Splits are replicates: one row a contender with its mean over all of them, and intervals that count splits."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from studies import write_run

from poolsweep.report.answer import answers, what_intervals_cover
from poolsweep.report.cautions import cautions
from poolsweep.report.differences import resampling
from poolsweep.report.leaderboard import compare_all, leaderboard, write_leaderboard
from poolsweep.report.predicted import read_predictions
from poolsweep.report.results import load_runs
from poolsweep.statistics import Resampling, Scores, difference_over_splits


def write_splits(study, *, poolings=("cls", "max"), splits=(0, 1, 2), by_seed=False, skip=(), **options):
    for place, pooling in enumerate(poolings):
        for split in splits:
            if (pooling, split) not in skip:
                write_run(study, pooling=pooling, seed=split if by_seed else 0, split=split, skill=0.6 + 0.1 * place,
                          num_texts=60, **options)  # fmt: skip
    return study


def compare(study):
    [comparison] = compare_all(load_runs([study]))
    return comparison


@pytest.mark.parametrize("by_seed", [False, True])
@pytest.mark.parametrize("predictions", [True, False])
def test_one_row_a_pooling_with_its_mean_over_all_splits(outputs, tmp_path, by_seed, predictions):
    study = write_splits(outputs / "s", by_seed=by_seed, predictions=predictions)
    comparison = compare(study)
    assert comparison.basis == "splits"
    assert [row.name for row in leaderboard([comparison])] == ["max", "cls"]
    for run_mean in comparison.names:
        found = [run.metric("test/accuracy") for run in load_runs([study]) if run.facts["pooling"] == run_mean]
        assert len(found) == 3
        assert comparison.summaries[run_mean].mean == pytest.approx(np.mean(found))
        assert np.isnan(comparison.summaries[run_mean].low) is np.bool_(not predictions)
    assert "max" in comparison.leading
    assert comparison.against["max"].low < comparison.against["max"].value < comparison.against["max"].high
    write_leaderboard(tmp_path / "l.csv", [comparison])
    with (tmp_path / "l.csv").open(newline="") as file:
        best, _ = csv.DictReader(file)
    assert (best["basis"], best["replicates"], best["settings"]) == ("splits", "0 1 2", "1")
    assert best["tied_with_best"] == "yes"
    assert float(best["difference_to_cls"]) == pytest.approx(
        comparison.summaries["max"].mean - comparison.summaries["cls"].mean, abs=1e-6
    )


def test_the_split_that_is_easiest_on_validation_is_not_chosen(outputs):
    """As settings they would be, were split_seed one: its best validation score is 0.9."""
    for split, (val, test) in enumerate(((0.9, 0.5), (0.5, 0.9))):
        metrics = {"val/accuracy": val, "test/accuracy": test}
        write_run(outputs / "s", pooling="cls", seed=0, split=split, predictions=False, metrics=metrics)
    assert compare(outputs / "s").summaries["cls"].mean == pytest.approx(0.7)


def test_poolings_are_compared_on_the_splits_that_all_have(outputs):
    study = write_splits(outputs / "s", skip={("max", 2)})
    comparison = compare(study)
    assert comparison.summaries["cls"].num_seeds == 2
    told = [sentence for _, sentence in cautions(comparison)]
    assert "Means are over the 2 splits that all have. Left out: cls split 2." in told


def test_who_shares_no_split_is_compared_with_nobody(outputs):
    study = write_splits(outputs / "s")
    write_run(study, pooling="elmo", seed=0, split=7, num_texts=60)
    comparison = compare(study)
    assert comparison.difference("elmo", "cls") is None
    assert comparison.difference("max", "cls") is not None
    told = [sentence for _, sentence in cautions(comparison)]
    assert "Tested on no split that the others have, so compared with none: elmo." in told


def test_a_split_with_more_seeds_counts_no_more(outputs):
    for split, seed, test in ((0, 0, 0.5), (0, 1, 0.5), (0, 2, 0.5), (1, 0, 0.9)):
        write_run(outputs / "s", pooling="cls", seed=seed, split=split, predictions=False,
                  metrics={"val/accuracy": 0.5, "test/accuracy": test})  # fmt: skip
    assert compare(outputs / "s").summaries["cls"].mean == pytest.approx(0.7)


def test_differences_are_those_of_the_statistics_over_splits(outputs):
    comparison = compare(write_splits(outputs / "s"))
    tables = {}
    for run in load_runs([outputs / "s"]):
        p = read_predictions(run)
        scores = Scores((p.targets == p.predicted)[None], seeds=(0,), row_ids=p.row_ids)
        tables.setdefault(run.facts["pooling"], {})[run.facts["split"]["seed"]] = scores
    wanted = difference_over_splits(tables["max"], tables["cls"], Resampling(800, 960)).estimate
    assert comparison.against["max"].value == pytest.approx(wanted.value)
    assert comparison.against["max"].low == pytest.approx(wanted.low)
    assert "given 3 splits and 180 test texts" in answers(comparison)[0]


def fold_of(fold: int, folds: int = 3) -> dict:
    return {"split": {"seed": 0, "fold": fold, "folds": folds}}


def write_folds(study, *, given_test: bool):
    for place, pooling in enumerate(("cls", "max")):
        for fold in range(3):
            write_run(study, pooling=pooling, seed=0, split=0 if given_test else fold + 1, skill=0.6 + 0.1 * place,
                      num_texts=60, facts_of_split=fold_of(fold)["split"])  # fmt: skip


def test_what_intervals_cover_is_said_for_each_design(outputs, make_study):
    write_folds(outputs / "folds", given_test=False)
    write_folds(outputs / "given", given_test=True)
    told = {name: what_intervals_cover(compare(outputs / name)) for name in ("folds", "given")}
    told["drawn"] = what_intervals_cover(compare(write_splits(outputs / "drawn")))
    told["one"] = what_intervals_cover(compare(make_study("one")))
    assert told["folds"].endswith("other splits: each text was tested once, by a model that did not train on it.")
    assert "all splits have the same test texts" in told["given"]
    assert told["drawn"].endswith("each split drew its own test texts.")
    assert told["one"] == "Intervals of differences cover other seeds and other texts, on this one split of the data."
    assert compare(outputs / "folds").group.wording.noun == "folds"
    assert resampling(compare(outputs / "given").group, compare(outputs / "given").splits).folds == 3


def test_settings_are_chosen_over_the_replicates_that_all_have(outputs):
    """One setting ran on the easy splits, the other on the hard ones: on the split of both the second is better."""
    scores = {"a": {0: 0.9, 1: 0.6}, "b": {1: 0.7, 2: 0.5}}
    for setting, by_split in scores.items():
        for split, val in by_split.items():
            folder = write_run(outputs / "s", pooling="cls", seed=0, split=split, setting=setting, predictions=False)
            facts = json.loads((folder / "result.json").read_text())
            facts["metrics"]["val/accuracy"] = val
            (folder / "result.json").write_text(json.dumps(facts))
    assert compare(outputs / "s").contender("cls").any_run.facts["setting"] == "b"


def test_splits_of_uneven_size_are_said(outputs):
    study = write_splits(outputs / "s")
    assert not any("uneven" in sentence for _, sentence in cautions(compare(study)))
    for path in study.glob("*/result.json"):
        facts = json.loads(path.read_text())
        if facts["split"]["seed"] == 1:
            path.write_text(json.dumps(facts | {"sizes": facts["sizes"] | {"test": 20}}))
    told = [sentence for _, sentence in cautions(compare(study)) if "uneven" in sentence]
    assert told == [
        "Test splits are uneven, 20 to 60 texts, as groups that stay whole make them: the noise of splits is taken to "
        "be alike in all."
    ]
