"""Folds and seeds of splits are replicates, and sizes of the training split are not."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

PROBE = ["encoder=tiny", "encoder.num_layers=1", "encoder.frozen=true", "trainer=probe", "trainer.accelerator=cpu"]


@pytest.fixture
def probe(animals) -> list[str]:
    return ["train", "-m", "data=files", f"data.train={animals}", *PROBE]


def results(study: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(study.glob("*/result.json"))]


def rows_tested(study: Path) -> dict[str, list[int]]:
    """Pooling → the rows that its runs were tested on."""
    found = defaultdict(list)
    for run in results(study):
        table = pq.read_table(study / run["run_id"] / "predictions-test.parquet", columns=["row_id"])
        found[run["pooling"]] += table["row_id"].to_pylist()
    return {pooling: sorted(rows) for pooling, rows in found.items()}


def test_folds_alone_make_the_run_of_each_fold(cli, probe, outputs):
    done = cli(*probe, "pooling=cls,max", "data.folds=3")
    assert done.status == 0, done.err
    assert "6 runs in" in done.err
    runs = results(outputs / "default")
    assert sorted((run["pooling"], run["split"]["fold"]) for run in runs) == [
        (p, k) for p in ("cls", "max") for k in range(3)
    ]
    assert {run["split"]["folds"] for run in runs} == {3}
    assert len({run["setting"] for run in runs}) == 1
    assert rows_tested(outputs / "default") == {"cls": list(range(63)), "max": list(range(63))}, "every text once"
    assert "0 of" not in cli(*probe, "pooling=cls,max", "data.folds=3").err, "nothing is made again"
    assert len(results(outputs / "default")) == 6


def test_folds_can_be_chosen(cli, probe, outputs):
    assert cli(*probe, "data.folds=5", "data.fold=0,3").status == 0
    assert sorted(run["split"]["fold"] for run in results(outputs / "default")) == [0, 3]


def test_with_a_given_test_file_every_fold_scores_it(cli, probe, outputs, tmp_path, write_csv, animal_rows):
    test = write_csv(tmp_path / "test.csv", [(f"new {text}", label) for text, label in animal_rows[:9]])
    assert cli(*probe, "data.folds=3", f"data.test={test}").status == 0
    for run in results(outputs / "default"):
        assert run["sizes"] == {"train": 42, "validation": 21, "test": 9}
    assert rows_tested(outputs / "default") == {"masked_mean": sorted(3 * [*range(9)])}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["data.folds=5"],
         "data.folds=5 stands for 5 runs: poolsweep train -m makes them, and data.fold=0 one of them"),
        (["data.fold=1"], "data.fold=1 is a fold of none: data.folds=5 says how many there are"),
        (["data.folds=3", "data.fold=3"], "data.fold must be below data.folds=3, got 3"),
        (["data.folds=1", "data.fold=0"], "data.folds must be at least 2, got 1"),
        (["data.train_rows=9", "data.rows_per_label=3"],
         "data.train_rows=9 and data.rows_per_label=3 both say how many training rows there are: leave one out"),
        (["data.train_rows=0"], "data.train_rows must be at least 1, got 0"),
        (["data.train_rows=1000"],
         "data.train_rows must be below the 51 training rows, got 1000; null means all of them"),
        (["data.overlap=ignore"], "data.overlap must be 'warn' or 'drop' or 'refuse', got 'ignore'"),
        (["data.group=author"], "data.train={animals} has no column 'author'; valid: label, text"),
        (["data.group=label"], "data.label and data.group name the same column 'label'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_line(cli, probe, animals, no_new_files, typed, said):
    done = cli("train", *probe[2:], *typed)
    assert done.status == 2, done.err
    assert done.problems == [said.format(animals=animals)]


def test_rows_of_labels_are_for_tasks_that_have_labels(cli, probe, tmp_path, write_csv, no_new_files):
    scores = write_csv(tmp_path / "scores.csv", [(f"text {i}", f"{i / 7:.3f}") for i in range(60)])
    done = cli("train", *probe[2:], f"data.train={scores}", "task=regression", "data.rows_per_label=5")
    assert done.status == 2
    assert done.problems == [
        "data.rows_per_label=5 counts rows of labels, and task=regression has none: data.train_rows counts rows"
    ]


def test_the_number_of_folds_is_not_swept(cli, probe, no_new_files):
    done = cli(*probe, "data.folds=3,5")
    assert done.status == 2
    assert done.problems == ["data.folds takes one value for the whole sweep, not several"]


def test_seeds_of_splits_are_no_settings_and_poolings_meet_on_the_same_rows(cli, probe, outputs):
    """A split that happens to be easy on validation must not be what a pooling is judged by."""
    assert cli(*probe, "pooling=cls,max", "data.split_seed=0,1,2").status == 0
    runs = results(outputs / "default")
    assert len({run["setting"] for run in runs}) == 1
    assert {run["split"]["seed"] for run in runs} == {0, 1, 2}
    rows = {}
    for run in runs:
        table = pq.read_table(outputs / "default" / run["run_id"] / "predictions-test.parquet", columns=["row_id"])
        rows[run["pooling"], run["split"]["seed"]] = frozenset(table["row_id"].to_pylist())
    assert len(set(rows.values())) == 3
    assert all(rows["cls", seed] == rows["max", seed] for seed in range(3))
    board = cli("report", "default")
    assert board.status == 0
    kept = pq.read_table(outputs / "default" / "report" / "runs.parquet").to_pylist()
    assert len(kept) == 6, "every split counts"


def test_sizes_are_nested_the_same_for_all_poolings_and_null_is_the_run_without_the_key(cli, probe, outputs):
    assert cli(*probe, "pooling=cls,max", "seed=0,1").status == 0
    plain = {run["run_id"] for run in results(outputs / "default")}
    assert cli(*probe, "pooling=cls,max", "seed=0,1", "data.train_rows=9,30,null").status == 0
    runs = results(outputs / "default")
    assert plain < {run["run_id"] for run in runs}
    assert len(runs) == 12
    sizes = {(run["rows_asked"]["train_rows"], run["sizes"]["train"]) for run in runs}
    assert sizes == {(9, 9), (30, 30), (None, 51)}
    assert {(run["sizes"]["validation"], run["sizes"]["test"]) for run in runs} == {(6, 6)}
    assert len({run["setting"] for run in runs}) == 1
    assert len({run["data_id"] for run in runs}) == 1


def test_rows_of_each_label(cli, probe, outputs):
    assert cli(*probe, "data.rows_per_label=2,5").status == 0
    assert sorted(run["sizes"]["train"] for run in results(outputs / "default")) == [6, 15]
    assert {run["rows_asked"]["rows_per_label"] for run in results(outputs / "default")} == {2, 5}


def test_groups_of_a_file_stay_in_one_split(cli, probe, outputs, tmp_path, write_csv, animal_rows):
    rows = [(text, label, f"author {i % 31}") for i, (text, label) in enumerate(animal_rows)]
    path = write_csv(tmp_path / "by.csv", rows, header=("text", "label", "author"))
    assert cli(*probe, f"data.train={path}", "data.group=author", "data.folds=3").status == 0
    of = {}
    for run in results(outputs / "default"):
        table = pq.read_table(outputs / "default" / run["run_id"] / "predictions-test.parquet", columns=["row_id"])
        of[run["split"]["fold"]] = {i % 31 for i in table["row_id"].to_pylist()}
    assert sum(map(len, of.values())) == 31


def test_a_race_and_a_search_take_folds_as_replicates(cli, probe, outputs):
    raced = cli(*probe, "pooling=cls,max", "data.folds=3", "sweep=race", "study=race")
    assert raced.status == 0, raced.err
    assert sorted({run["split"]["fold"] for run in results(outputs / "race")}) == [0, 1, 2]
    searched = cli(*probe, "pooling=cls,max", "data.folds=3", "sweep=optuna", "optuna.trials=2", "study=search")
    assert searched.status == 0, searched.err
    runs = results(outputs / "search")
    assert len(runs) % 3 == 0
    assert {run["split"]["fold"] for run in runs} == {0, 1, 2}
