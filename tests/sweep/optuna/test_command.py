"""``sweep=optuna`` as it is typed: trials of two seeds, pruned, killed and typed again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest


def trials(study: Path) -> list[dict[str, str]]:
    with (study / "trials.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def typed(tiny_run) -> list[str]:
    return [
        "train", "-m", "sweep=optuna", *tiny_run, "optuna.trials=5", "optuna.startup_trials=2",
        "optuna.pruner_startup=1", "optuna.pruner_warmup=0", "seed=0,1", "pooling=cls,max",
        "optimizer.lr=tag(log,interval(1e-6,1e-2))", "checkpoint.every_steps=2", "monitor=val/loss",
    ]  # fmt: skip


def test_a_search_ends_at_its_number_of_trials_whatever_interrupts_it(cli, typed, outputs, killed_at, bits):
    with killed_at(-1) as all_moments:
        done = cli(*typed, "study=alone")
    assert done.status == 0, done.err
    alone = outputs / "alone"
    found = trials(alone)
    assert len(found) == 5
    states = [trial["state"] for trial in found]
    assert set(states) == {"finished", "pruned"}, "premise: some are pruned"
    results = [json.loads(path.read_text()) for path in alone.glob("*/result.json")]
    by_status = {s: [r for r in results if r["status"] == s] for s in ("finished", "pruned")}
    assert (len(by_status["finished"]), len(by_status["pruned"])) == (
        2 * states.count("finished"),
        states.count("pruned"),
    )
    for pruned in by_status["pruned"]:
        assert pruned["seed"] == 0, "the other seed is spared"
        assert list((alone / pruned["run_id"] / "checkpoints").iterdir()) == []
        assert not any(name.startswith("test/") for name in pruned["metrics"])
    best = min((t for t in found if t["state"] == "finished"), key=lambda t: float(t["val/loss"]))
    of_best = [
        r["metrics"]["val/loss"] for r in by_status["finished"]
        if f"optimizer.lr={best['optimizer.lr']}" in r["name"] and f"pooling={best['pooling']}" in r["name"]
    ]  # fmt: skip
    assert float(best["val/loss"]) == pytest.approx(sum(of_best) / 2)
    assert len(of_best) == 2
    assert f"5 of 5 trials: {states.count('finished')} finished, {states.count('pruned')} pruned" in done.out
    assert f"in trial {best['trial']}: " in done.out
    assert f"optuna: 5 trials, {states.count('finished')} finished" in cli("status", "alone").out

    stamps = {path: path.stat().st_mtime_ns for path in alone.glob("*/*")}
    again = cli(*typed, "study=alone")
    assert again.status == 0
    assert {path: path.stat().st_mtime_ns for path in alone.glob("*/*")} == stamps, "typed again, nothing is run"
    assert trials(alone) == found

    with killed_at(len(all_moments.seen) // 2) as kill, pytest.raises(kill.error):
        cli(*typed, "study=killed")
    assert cli(*typed, "study=killed").status == 0
    assert trials(outputs / "killed") == found
    for result in by_status["finished"]:
        assert bits(outputs / "killed" / result["run_id"]) == bits(alone / result["run_id"])
    assert len(list((outputs / "killed").glob("*/result.json"))) == len(results)


def test_a_grid_runs_what_was_pruned_to_the_end(cli, tiny_run, outputs, monkeypatch):
    import optuna

    monkeypatch.setattr(optuna.trial.Trial, "should_prune", lambda self: True)
    typed = ["train", "-m", *tiny_run, "optimizer.lr=1e-4", "pooling=cls,max"]
    done = cli(*typed, "sweep=optuna", "optuna.trials=1")
    assert done.status == 0
    assert "pruned" in done.err
    [pruned] = outputs.glob("default/*/result.json")
    assert json.loads(pruned.read_text())["status"] == "pruned"
    assert "1 runs, 1 pruned" in cli("status", "default").out
    assert cli(*typed).status == 0
    assert json.loads(pruned.read_text())["status"] == "finished"
    assert "2 runs, 2 finished" in cli("status", "default").out


def test_wrong_options_are_named_before_anything_runs(cli, tiny_run, no_new_files):
    typed = ["train", "-m", *tiny_run, "sweep=optuna", "data.batch_size=0,8", "optimizer.lr=interval(1e-5,1e-3)"]
    done = cli(*typed)
    assert done.status == 2
    assert done.problems == ["data.batch_size must be at least 1, got 0"]
    assert cli(*typed[:-2], "pooling=cls,max", "optuna.trials=none").problems == [
        "optuna.trials must be a whole number of at least 1, got 'none'"
    ]
    assert cli(*typed, "optuna.trials=3,4").problems == [
        "optuna.trials takes one value for the whole sweep, not several"
    ]


def test_values_that_do_not_go_together_are_pruned_and_said(cli, tiny_run, outputs):
    """A hidden size of 24 goes with 2 and 3 heads, one of 32 with 2 alone; pairs with a first option are checked."""
    done = cli(
        "train", "-m", *tiny_run, "sweep=optuna", "optuna.trials=6", "optuna.sampler=random",
        "encoder.hidden_size=24,32", "encoder.num_heads=2,3", "encoder.frozen=true", "trainer.max_epochs=1",
    )  # fmt: skip
    assert done.status == 0, done.err
    found = trials(outputs / "default")
    impossible = [t for t in found if (t["encoder.hidden_size"], t["encoder.num_heads"]) == ("32", "3")]
    assert impossible, "premise: the sampler tried it"
    assert {(t["state"], t["validations"]) for t in impossible} == {("pruned", "0")}
    assert "multiple" in impossible[0]["reason"]
    assert "cannot be: " in done.err
    assert {t["state"] for t in found if t not in impossible} == {"finished"}


def test_an_option_stays_if_it_goes_with_another_and_a_pattern_leaves_out_what_goes_with_none(cli, tiny_run, outputs):
    fast = ["optuna.trials=6", "optuna.pruner=none", "optuna.sampler=random", "trainer.max_epochs=1"]
    done = cli(
        "train", "-m", "sweep=optuna", *tiny_run, *fast, "encoder.frozen=true", "encoder.num_layers=2,4",
        "pooling=glob([cls,cls_last4_mean])",
    )  # fmt: skip
    assert done.status == 0, done.err
    pairs = {(trial["encoder.num_layers"], trial["pooling"], trial["state"]) for trial in trials(outputs / "default")}
    assert ("2", "cls_last4_mean", "pruned") in pairs, "premise: the pair is drawn"
    assert {state for *pair, state in pairs if pair != ["2", "cls_last4_mean"]} == {"finished"}
    assert "  skipped  encoder.num_layers=2 pooling=cls_last4_mean  pooling.layers" in cli("status", "default").out
    only = cli(
        "train", "-m", "sweep=optuna", *tiny_run, *fast, "study=only", "encoder.frozen=true", "encoder.num_layers=2,3",
        "pooling=glob([cls,cls_last4_mean])",
    )  # fmt: skip
    assert "note: left out, since they cannot be: pooling=cls_last4_mean" in only.err
    assert {trial["pooling"] for trial in trials(outputs / "only")} == {"cls"}
