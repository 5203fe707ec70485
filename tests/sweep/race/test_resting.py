"""Seeds are spent where the verdict is open; who rests, what the report makes of it, and who is taken up again."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numbers_race import FIELD, OPTIONS, seeds_of

from poolsweep.report.cautions import cautions
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs
from poolsweep.runs.race import read_races
from poolsweep.statistics import simultaneous
from poolsweep.sweep.grid import SweepFailedError
from poolsweep.sweep.race import course
from poolsweep.sweep.race.forecast import Forecast

RESTING = replace(OPTIONS, certainty=0.8)
OPEN = FIELD | {"near": 0.87}  # near stays doubtful to the end; also is soon as good as good
WORSE = FIELD | {"near": 0.855}  # near is soon settled as worse, where looks at validation do not drop it before
HARDLY = replace(RESTING, level=0.99999)


def test_seeds_go_where_the_verdict_is_open(start, outputs, capsys):
    race, launcher = start(OPEN, options=RESTING)
    race.run()
    assert seeds_of(launcher, "near") == [0, 1, 2, 3, 4]
    assert seeds_of(launcher, "good") == [0, 1, 2, 3, 4], "to hold near against"
    assert seeds_of(launcher, "also") == [0, 1, 2]
    assert [len(batch) for batch in launcher.batches] == [10, 3, 2, 2]
    [record] = read_races(outputs / "s")
    assert set(record.out) == {"bad", "worse"}
    assert record.left == ("good", "also", "near"), "one that rests is not dropped"
    [one] = record.rested
    assert (one.pooling, one.seeds, one.tied) == ("also", 3, True)
    assert one.chance >= 0.8
    assert one.saved == ("pooling=also seed=3", "pooling=also seed=4")
    told = capsys.readouterr()
    assert "animals · tiny, 3 seeds: pooling=also rests, tied with the best: with every seed it would be so" in told.err
    assert "animals · tiny, 3 seeds: 2 poolings of 3 go on" in told.err
    assert "The race saved 8 of 25 runs (32%)" in told.out
    assert "  pooling=also seed=3, pooling=also seed=4" in told.out


def test_the_report_knows_who_rests(start, outputs, capsys):
    start(OPEN, options=RESTING)[0].run()
    assert "Settled early: also after 3 seeds as tied." in capsys.readouterr().out
    [comparison] = compare_all(load_runs([outputs / "s"]))
    whole = simultaneous(comparison.pairwise, share=(0.05 - 0.01) * 0.8 / 0.05)
    assert comparison.family.between("good", "near") == whole.between("good", "near")
    assert set(comparison.in_the_running) == {"good", "also", "near"}
    assert {"good", "also"} <= set(comparison.leading)
    found = cautions(comparison)
    assert not any(text.startswith(("Missing seeds", "Unequal", "Fewer than")) for _, text in found)
    assert any("also after 3 seeds as tied" in text and "a probability of at least" in text for _, text in found)
    assert not any(serious and "race" in text for serious, text in found)


def test_one_that_will_not_be_tied_rests_too(start, outputs, capsys):
    race, launcher = start(WORSE, options=HARDLY)
    race.run()
    assert seeds_of(launcher, "near") == [0, 1, 2]
    assert "near after 3 seeds as not tied" in capsys.readouterr().out
    [record] = read_races(outputs / "s")
    assert record.settled
    assert {one.pooling: one.tied for one in record.rested} == {"good": True, "also": True, "near": False}
    assert record.again == ()
    [comparison] = compare_all(load_runs([outputs / "s"]))
    assert set(comparison.leading) == {"good", "also"}
    assert comparison.names[-3:] == ("near", "bad", "worse"), "after those that could be the best"
    csv = (outputs / "s" / "leaderboard.csv").read_text()
    assert {line.split(",")[2]: line.split(",")[10] for line in csv.splitlines()[1:]} == {
        "good": "yes", "also": "yes", "near": "no", "bad": "no", "worse": "no",
    }  # fmt: skip


def test_a_grid_afterwards_takes_all_back(start, outputs):
    race, launcher = start(WORSE, options=HARDLY)
    race.run()
    for name in set(launcher.folders) - set(launcher.launched):
        launcher.write(name)
    [comparison] = compare_all(load_runs([outputs / "s"]))
    assert comparison.raced.names == set()
    assert len(comparison.in_the_running) == 5
    assert comparison.family.between("good", "bad") == simultaneous(comparison.pairwise).between("good", "bad")


@pytest.mark.parametrize("moment", ["pooling=also seed=1", "pooling=also seed=2", "pooling=near seed=4"])
def test_after_an_interruption_it_goes_on_where_it_was(start, outputs, moment):
    whole, straight = start(OPEN, options=RESTING)
    whole.run()
    expected = (outputs / "s" / "race.json").read_bytes()
    for folder in straight.folders.values():
        folder.result.unlink(missing_ok=True)
    (outputs / "s" / "race.json").unlink()

    race, launcher = start(OPEN, options=RESTING)
    launcher.dies_at = moment
    with pytest.raises(KeyboardInterrupt):
        race.run()
    done = launcher.launched[: launcher.launched.index(moment)]
    again, rest = start(OPEN, options=RESTING)
    again.run()
    assert sorted(done + rest.launched) == sorted(straight.launched), "no run twice, none left out"
    assert (outputs / "s" / "race.json").read_bytes() == expected


def test_runs_beyond_those_it_wanted_do_not_move_it(start, outputs):
    """A grid ran before: the race decides as if it had not."""
    whole, straight = start(OPEN, options=RESTING)
    whole.run()
    decided = json.loads((outputs / "s" / "race.json").read_text())["races"][0]
    for name in set(straight.folders) - set(straight.launched):
        straight.write(name)
    again, launcher = start(OPEN, options=RESTING)
    again.run()
    assert launcher.launched == []
    after = json.loads((outputs / "s" / "race.json").read_text())["races"][0]
    for key in ("dropped", "rested"):
        assert [one | {"saved": 0} for one in after[key]] == [one | {"saved": 0} for one in decided[key]]


def test_a_kept_pooling_does_not_rest(start, outputs):
    race, launcher = start(OPEN, options=replace(RESTING, keep=("also",)))
    race.run()
    assert seeds_of(launcher, "also") == [0, 1, 2, 3, 4]


def test_a_pooling_with_several_settings_left_does_not_rest(start, outputs):
    """It is open which of them will speak for it."""
    accuracy = {"good1": 0.9, "good2": 0.9, "also1": 0.9, "also2": 0.5, "worse1": 0.5, "worse2": 0.5}
    race, launcher = start(accuracy, options=RESTING, lrs=["1", "2"])
    race.run()
    both = [name for name in launcher.launched if name.startswith("pooling=good")]
    assert len(both) == 10
    [record] = read_races(outputs / "s")
    assert "good" not in {one.pooling for one in record.rested}


def test_a_pooling_with_a_failed_run_does_not_rest(start, outputs):
    race, launcher = start(WORSE, options=HARDLY)
    launcher.failing = {"pooling=near seed=1"}
    with pytest.raises(SweepFailedError, match=r"1 of \d+ runs did not finish"):
        race.run()
    assert seeds_of(launcher, "near") == [0, 1, 2, 3, 4]
    [record] = read_races(outputs / "s")
    assert "near" not in {one.pooling for one in record.rested}


def test_nobody_rests_where_predictions_are_lacking(start, outputs, monkeypatch):
    race, launcher = start(OPEN, options=RESTING)
    whole = launcher.write

    def without_test_predictions(name: str) -> None:
        whole(name)
        launcher.folders[name].predictions("test").unlink()

    monkeypatch.setattr(launcher, "write", without_test_predictions)
    race.run()
    assert seeds_of(launcher, "also") == seeds_of(launcher, "near") == [0, 1, 2, 3, 4]
    assert seeds_of(launcher, "bad") == [0, 1], "dropping goes by validation"


def test_one_whose_verdict_opens_again_catches_up(start, outputs, monkeypatch, capsys):
    """also rests after two seeds; after three, with what the others did, its verdict looks likely to change."""
    asked: list[int] = []

    def scripted(started, *, racing, planned, metric, level):
        look = max(started.values())
        asked.append(look)
        forecasts = {
            "good": Forecast(True, 1.0, 0.0),
            "also": Forecast(True, 0.9 if look == 2 else 0.3, 0.0),
            "near": Forecast(True, 0.5, 0.0, {"good": np.arange(10) < 5}),
        }
        return {e: (forecasts[e.pooling], 0.9 if e.pooling == "good" else 0.8) for e in racing}

    monkeypatch.setattr(course, "standing", scripted)
    race, launcher = start({"good": 0.9, "also": 0.9, "near": 0.89}, options=RESTING)
    race.run()
    assert asked == [2, 3, 4]
    assert [sorted(batch) for batch in launcher.batches[1:3]] == [
        ["pooling=good seed=2", "pooling=near seed=2"],
        ["pooling=also seed=2", "pooling=also seed=3", "pooling=good seed=3", "pooling=near seed=3"],
    ]
    assert seeds_of(launcher, "also") == [0, 1, 2, 3, 4]
    assert "3 seeds: pooling=also is taken up again, its verdict is open again" in capsys.readouterr().err
    [record] = read_races(outputs / "s")
    assert record.rested == []
