"""Who is dropped, and what follows from it."""

from __future__ import annotations

import csv
import json

import pytest
from numbers_race import FIELD, OPTIONS, seeds_of

from poolsweep.report.answer import answers
from poolsweep.report.cautions import cautions
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs
from poolsweep.runs.race import read_races
from poolsweep.statistics import simultaneous
from poolsweep.sweep.grid import SweepFailedError
from poolsweep.sweep.race.options import RaceOptions


def test_poolings_that_are_worse_stop_and_the_others_get_every_seed(start, outputs, capsys):
    race, launcher = start(FIELD)
    race.run()
    assert [len(batch) for batch in launcher.batches] == [10, 3, 3, 3], "each round is one batch for the launcher"
    assert launcher.batches[0][:3] == ["pooling=good seed=0", "pooling=also seed=0", "pooling=near seed=0"]
    assert seeds_of(launcher, "bad") == seeds_of(launcher, "worse") == [0, 1]
    for pooling in ("good", "also", "near"):
        assert seeds_of(launcher, pooling) == [0, 1, 2, 3, 4], f"{pooling} is tied with the best"
    [record] = read_races(outputs / "s")
    assert {pooling for _, pooling, _ in record.out} == {"bad", "worse"}
    assert [pooling for _, pooling, _ in record.left] == ["good", "also", "near"]
    bad = record.out["tiny", "bad", "probe"]
    assert bad.saved == (
        "pooling=bad seed=2",
        "pooling=bad seed=3",
        "pooling=bad seed=4",
    )
    assert bad.gap == pytest.approx(-0.3, abs=0.04)
    told = capsys.readouterr()
    assert "animals, 2 seeds: pooling=bad is dropped: " in told.err
    assert "The race saved 6 of 25 runs (24%)" in told.out
    assert "  pooling=worse seed=2, pooling=worse seed=3, pooling=worse seed=4" in told.out


def test_typed_again_it_decides_the_same_and_runs_nothing(start, outputs):
    start(FIELD)[0].run()
    before = (outputs / "s" / "race.json").read_bytes()
    race, launcher = start(FIELD)
    race.run()
    assert launcher.launched == []
    assert (outputs / "s" / "race.json").read_bytes() == before


@pytest.mark.parametrize("moment", ["pooling=near seed=1", "pooling=also seed=2", "pooling=near seed=4"])
def test_after_an_interruption_it_goes_on_where_it_was(start, outputs, moment):
    whole, straight = start(FIELD)
    whole.run()
    expected = (outputs / "s" / "race.json").read_bytes()
    for folder in straight.folders.values():
        folder.result.unlink(missing_ok=True)
    (outputs / "s" / "race.json").unlink()

    race, launcher = start(FIELD)
    launcher.dies_at = moment
    with pytest.raises(KeyboardInterrupt):
        race.run()
    done = launcher.launched[: launcher.launched.index(moment)]
    again, rest = start(FIELD)
    again.run()
    assert sorted(done + rest.launched) == sorted(straight.launched), "no run twice, none left out"
    assert (outputs / "s" / "race.json").read_bytes() == expected


def test_a_race_that_is_settled_stops(start, outputs, capsys):
    race, launcher = start({"good": 0.9, "bad": 0.6, "worse": 0.5})
    race.run()
    assert len(launcher.launched) == 6
    [record] = read_races(outputs / "s")
    assert record.settled
    assert record.saved == tuple(f"pooling=good seed={seed}" for seed in (2, 3, 4))
    assert "good alone is left, so the race ends" in capsys.readouterr().err
    [comparison] = compare_all(load_runs([outputs / "s"]))
    assert comparison.leading == ("good",)


@pytest.mark.parametrize("keep", ["worse", "tiny/worse", "worse/probe", "tiny/worse/probe"])
def test_a_kept_pooling_runs_to_the_end(start, keep):
    race, launcher = start(FIELD, options=RaceOptions(2, 0.99, "accuracy", (keep,)))
    race.run()
    assert seeds_of(launcher, "worse") == [0, 1, 2, 3, 4]
    assert seeds_of(launcher, "bad") == [0, 1]


def test_no_interim_analysis_before_min_seeds(start):
    race, launcher = start(FIELD, options=RaceOptions(4, 0.99, "accuracy", ()))
    race.run()
    assert seeds_of(launcher, "bad") == [0, 1, 2, 3]
    assert len(launcher.batches[0]) == 20


def test_too_few_seeds_for_an_interim_analysis_are_a_grid(start, capsys):
    race, launcher = start(FIELD, seeds=2)
    race.run()
    assert len(launcher.launched) == 10
    told = capsys.readouterr()
    assert "there is no interim analysis before the end" in told.err
    assert "The race saved none of 10 runs" in told.out


def test_a_pooling_with_a_failed_run_is_not_dropped_for_it(start):
    race, launcher = start(FIELD)
    launcher.failing = {"pooling=bad seed=1"}
    with pytest.raises(SweepFailedError, match="1 of 22 runs did not finish"):
        race.run()
    assert seeds_of(launcher, "bad") == [0, 1, 2, 3, 4], "it cannot be compared, so it is not dropped"
    assert seeds_of(launcher, "worse") == [0, 1]

    again, repaired = start(FIELD)
    again.run()
    assert repaired.launched == ["pooling=bad seed=1"], "what failed is run again, and the analysis made up for"


def test_a_pooling_stays_while_one_of_its_settings_could_be_best(start, outputs):
    accuracy = {"good1": 0.9, "good2": 0.6, "also1": 0.5, "also2": 0.9, "bad1": 0.5, "bad2": 0.6}
    race, launcher = start(accuracy, lrs=["1", "2"])
    race.run()
    [record] = read_races(outputs / "s")
    assert {pooling for _, pooling, _ in record.out} == {"bad"}
    assert [pooling for _, pooling, _ in record.left] == ["good", "also"]
    assert {one.name for one in record.dropped} == {
        "pooling=good lr=2", "pooling=also lr=1", "pooling=bad lr=1", "pooling=bad lr=2",
    }  # fmt: skip
    assert "pooling=also lr=2 seed=4" in launcher.launched
    assert "pooling=also lr=1 seed=2" not in launcher.launched
    [comparison] = compare_all(load_runs([outputs / "s"]))
    assert {comparison.contender(name).any_run.facts["setting"] for name in ("also",)} == {"2"}


def test_the_report_says_who_raced_and_does_not_cry_wolf(start, outputs, capsys):
    start(FIELD)[0].run()
    printed = capsys.readouterr().out
    assert "× bad" in printed
    assert "Dropped by the race, on validation: bad, worse after 2 seeds." in printed
    [comparison] = compare_all(load_runs([outputs / "s"]))
    whole = simultaneous(comparison.pairwise, level=0.95)
    assert comparison.family.between("good", "bad") == whole.between("good", "bad")
    assert set(comparison.in_the_running) == {"good", "also", "near"}
    assert set(comparison.names[-2:]) == {"bad", "worse"}
    sentences = [sentence for _, sentence in cautions(comparison)]
    assert not any(s.startswith(("Missing seeds", "Unequal", "Fewer than")) for s in sentences)
    assert any(s.startswith("Dropped by the race") and "fewer seeds than the others by design" in s for s in sentences)
    table = (outputs / "s" / "leaderboard.csv").read_text().splitlines()
    assert [row["tied_with_best"] for row in csv.DictReader(table) if row["name"] == "bad"] == ["no"]

    f1 = compare_all(load_runs([outputs / "s"]), metric="mcc")
    assert not f1 or not f1[0].dropped, "the race went by accuracy"


def test_a_grid_afterwards_takes_the_dropped_back(start, outputs):
    race, launcher = start(FIELD)
    race.run()
    for name in set(launcher.folders) - set(launcher.launched):
        launcher.write(name)
    [comparison] = compare_all(load_runs([outputs / "s"]))
    assert comparison.dropped == {}
    assert len(comparison.in_the_running) == 5
    assert comparison.family.between("good", "bad") == simultaneous(comparison.pairwise).between("good", "bad")


def test_one_that_was_dropped_but_does_well_on_test_is_named(start, outputs):
    start(FIELD)[0].run()
    for path in (outputs / "s").glob("*/result.json"):
        facts = json.loads(path.read_text())
        if facts["pooling"] == "bad":
            facts["metrics"]["test/accuracy"] = 0.99
            path.write_text(json.dumps(facts))
            (path.parent / "predictions-test.parquet").unlink()  # which give another
    [comparison] = compare_all(load_runs([outputs / "s"]))
    assert any(serious and "yet not below the best on test: bad" in text for serious, text in cautions(comparison))


def test_an_earlier_race_on_other_data_is_kept(start, outputs):
    from poolsweep.runs.race import RaceRecord, write_races

    other = RaceRecord("minerals", "tiny", "accuracy", 0.99, ("seed=0",))
    write_races(outputs / "s", [other])
    start(FIELD)[0].run()
    assert [one.data for one in read_races(outputs / "s")] == ["minerals", "animals"]
    (outputs / "s" / "race.json").write_text("{")
    assert read_races(outputs / "s") == []


def test_a_launcher_that_does_not_wait_is_refused():
    from poolsweep.errors import UserError
    from poolsweep.launch.launcher import JobLauncher
    from poolsweep.sweep.race.driver import race

    class Leaves(JobLauncher):
        def run(self, jobs):
            raise AssertionError("nothing is launched")

    with pytest.raises(UserError, match=r"must wait: hydra\.launcher\.wait=true"):
        race([], compose=lambda point: None, launcher=Leaves(waits=False), options=OPTIONS)


def test_a_baseline_that_was_dropped_is_not_left_out_without_a_word(start, outputs):
    start(FIELD)[0].run()
    [comparison] = compare_all(load_runs([outputs / "s"]), baseline="bad")
    assert comparison.baseline is None
    assert (
        "No differences to bad: the race stopped it after 2 seeds; race.keep=[bad] lets a baseline run on."
        in answers(comparison)
    )
