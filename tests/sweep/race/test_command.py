"""A real race from the command line, the same command again, and the full grid after it."""

from __future__ import annotations

import csv
import json

import pytest


@pytest.fixture
def raced(tmp_path, write_csv, outputs) -> list[str]:
    """Three token poolings of the embedding layer, whose first token is the same in every text: cls is the worst."""
    sounds = {"cat": "meow", "dog": "woof", "owl": "huhu"}
    names = list(sounds)
    rows = [(f"{sounds[names[i % 3]]} {'x' * (i % 7)} {i}", names[i % 3]) for i in range(300)]
    return [
        "train", "-m", "encoder=tiny", "encoder.frozen=true", "data=files", "trainer=probe", "trainer.penalties=[0.01]",
        f"data.train={write_csv(tmp_path / 'animals.csv', rows)}", "data.validation_fraction=0.3", "study=s",
        "pooling=embeddings_mean", "pooling/tokens=mean,max,cls", "seed=0,1,2",
    ]  # fmt: skip


def test_race_then_again_then_the_full_grid(cli, raced, outputs):
    done = cli(*raced, "sweep=race")
    assert done.status == 0, done.err
    assert "race of 3 settings over 3 seeds in" in done.err
    assert "pooling/tokens=cls is dropped: " in done.err
    assert "2 seeds: 2 contenders could still be the best and go on" in done.err
    assert "The race saved 1 of 9 runs (11%)" in done.out
    assert "  pooling/tokens=cls seed=2" in done.out
    results = {path: json.loads(path.read_text()) for path in outputs.glob("s/*/result.json")}
    assert len(results) == 8
    assert not any("race:" in path.with_name("config.yaml").read_text() for path in results)
    [record] = json.loads((outputs / "s" / "race.json").read_text())["races"]
    [dropped] = record["dropped"]
    assert sorted(r["seed"] for r in results.values() if r["pooling"] == dropped["key"][1]) == [0, 1]
    lines = (outputs / "s" / "leaderboard.csv").read_text(encoding="utf-8").splitlines()
    table = {row["pooling"]: row for row in csv.DictReader(lines)}
    assert (table[dropped["key"][1]]["tied_with_best"], table[dropped["key"][1]]["replicates"]) == ("no", "0 1")
    assert "8 runs, 8 finished" in cli("status", "s").out, "what was saved is not missing"

    stamps = {path: path.stat().st_mtime_ns for path in results}
    again = cli(*raced, "sweep=race", "race.level=0.99")
    assert again.status == 0
    assert "8 finished before" in again.err
    assert {path: path.stat().st_mtime_ns for path in outputs.glob("s/*/result.json")} == stamps

    grid = cli(*raced)
    assert grid.status == 0
    assert "9 runs in" in grid.err
    assert "8 finished before" in grid.err, "a race's keys are not in a run's identity"
    assert "Dropped by the race" not in grid.out


def test_keys_that_are_wrong_are_named_at_once(cli, raced, no_new_files):
    done = cli(
        *raced,
        "sweep=race",
        "race.min_seeds=1",
        "race.level=0.9",
        "race.metric=loss",
        "race.keep=3",
    )
    assert done.status == 2
    assert done.problems[2].startswith("race.metric=loss is no metric that a report ranks by; valid: accuracy, ")
    assert [*done.problems[:2], *done.problems[3:]] == [
        "race.min_seeds must be a whole number of at least 2, got 1: one seed does not show the noise between seeds",
        "race.level must lie above 0.95, the level of the report, and below 1, got 0.9",
        "race.keep must be a list of poolings such as [cls], got 3",
    ]


@pytest.mark.parametrize(("keep", "said"), [("clss", "did you mean cls?"), ("tiny/cls/frozen", "valid: cls, max")])
def test_what_is_kept_must_be_in_the_race(cli, raced, no_new_files, keep, said):
    typed = [a for a in raced if not a.startswith("pooling")]
    done = cli(*typed, "pooling=cls,max", "sweep=race", f"race.keep=[{keep}]")
    assert done.status == 2
    assert done.problems[-1] == f"race.keep={keep} is not in the race; {said}"


def test_a_race_by_an_error_drops_what_has_more_of_it(cli, raced, outputs, tmp_path, write_csv):
    rows = [
        (f"{'good ' * (i % 3)}and {'bad ' * (i % 4)}{i % 10}", f"{1000 + 100 * (i % 3) - 10 * (i % 4)}")
        for i in range(300)
    ]
    given = [one for one in raced if not one.startswith("data.train=")]
    numbers = write_csv(tmp_path / "numbers.csv", rows)
    typed = [*given, f"data.train={numbers}", "task=regression", "metrics=[rmse,spearman]"]
    done = cli(*typed, "sweep=race")
    assert done.status == 0, done.err
    [record] = json.loads((outputs / "s" / "race.json").read_text())["races"]
    assert record["metric"] == "rmse", "race.metric=null is the first of metrics"
    errors: dict[str, list[float]] = {}
    for path in outputs.glob("s/*/result.json"):
        result = json.loads(path.read_text())
        errors.setdefault(result["pooling"], []).append(result["metrics"]["val/rmse"])
    best = min(errors, key=lambda name: sum(errors[name]) / len(errors[name]))
    assert record["dropped"], "premise: some are worse"
    assert all(one["gap"] < 0 and one["key"][1] != best for one in record["dropped"])
    assert best in [key[1] for key in record["left"]]
    lines = (outputs / "s" / "leaderboard.csv").read_text(encoding="utf-8").splitlines()
    assert "yet not below the best on test" not in done.out + done.err, "an error is no score"
    assert next(row["pooling"] for row in csv.DictReader(lines)) == best, "less is better there too"


def test_an_unknown_kind_of_sweep(cli, raced, no_new_files):
    done = cli(*raced, "sweep=races")
    assert done.status == 2
    assert done.problems[-1] == "sweep=races is no option of sweep; did you mean race?"


def test_a_key_of_the_race_without_the_race(cli, raced, no_new_files):
    done = cli(*raced, "race.min_seeds=3")
    assert done.status == 2
    assert done.problems[-1] == "race.min_seeds is a key of sweep=race, which must be given too"


def test_a_key_that_the_race_has_not(cli, raced, no_new_files):
    done = cli(*raced, "sweep=race", "race.min_seed=3")
    assert done.status == 2
    assert done.problems[-1].startswith("there is no key race.min_seed; did you mean race.min_seeds")


def test_a_key_of_the_race_cannot_be_swept(cli, raced, no_new_files):
    done = cli(*raced, "sweep=race", "race.level=0.99,0.98")
    assert done.status == 2
    assert done.problems == ["race.level takes one value for the whole sweep, not several"]
