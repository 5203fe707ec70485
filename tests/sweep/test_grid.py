"""A sweep: the whole grid, once each; failures named and survived; the leaderboard at the end."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time

import pytest

FAST = ["encoder.frozen=true"]


def rows(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def results(outputs, study: str = "default") -> list[dict]:
    return [json.loads(path.read_text()) for path in outputs.glob(f"{study}/*/result.json")]


def test_grid_leaderboard_and_second_typing(cli, tiny_run, outputs):
    typed = ["train", "-m", *tiny_run, *FAST, "study=s", "pooling=cls,last4_concat", "seed=0,1"]
    done = cli(*typed)
    assert done.status == 0, done.err
    found = results(outputs, "s")
    assert {(r["pooling"], r["seed"], r["status"]) for r in found} == {
        (pooling, seed, "finished") for pooling in ("cls", "last4_concat") for seed in (0, 1)
    }
    assert done.err.count("finished") == 4
    assert "[4/4] finished  pooling=last4_concat seed=1  val/accuracy" in done.err

    table = {row["pooling"]: row for row in rows(outputs / "s" / "leaderboard.csv")}
    assert set(table) == {"cls", "last4_concat"}
    accuracy = {(r["pooling"], r["seed"]): r["metrics"]["test/accuracy"] for r in found}
    for pooling, row in table.items():
        mean = (accuracy[pooling, 0] + accuracy[pooling, 1]) / 2
        assert float(row["test_accuracy"]) == pytest.approx(mean, abs=1e-6)
        assert row["replicates"] == "0 1"
        assert row["data"] == "animals"
    differences = [accuracy["last4_concat", seed] - accuracy["cls", seed] for seed in (0, 1)]
    assert float(table["last4_concat"]["difference_to_cls"]) == pytest.approx(sum(differences) / 2, abs=1e-6)
    over_seeds = 12.706 * abs(differences[0] - differences[1]) / 2  # t of one degree of freedom, 97.5%
    high, low = (float(table["last4_concat"][f"difference_ci95_{end}"]) for end in ("high", "low"))
    mean = sum(differences) / 2
    widened = "the test texts widen the interval, they never narrow it; accuracies differ by 1 at most"
    assert low <= max(mean - over_seeds, -1) + 1e-4, widened
    assert high >= min(mean + over_seeds, 1) - 1e-4, widened
    assert table["cls"]["difference_to_cls"] == ""
    assert "last4_concat" in done.out
    assert str(outputs / "s" / "leaderboard.csv") in done.out.replace("\n", "")

    stamps = {path: path.stat().st_mtime_ns for path in outputs.glob("s/*/*")}
    again = cli(*typed)
    assert again.status == 0
    assert "4 runs in" in again.err
    assert "4 finished before" in again.err
    assert {path: path.stat().st_mtime_ns for path in outputs.glob("s/*/*")} == stamps

    more = cli(*typed[:-1], "seed=0,1,2")
    assert more.status == 0
    assert "6 runs in" in more.err
    assert "[2/2] finished" in more.err


def test_a_pattern_stands_for_the_options_of_a_group(cli, tiny_run, outputs):
    done = cli("train", "-m", *tiny_run, *FAST, "pooling=glob(cls_last4_m*)")
    assert done.status == 0, done.err
    assert {r["pooling"] for r in results(outputs)} == {"cls_last4_max", "cls_last4_mean"}


def test_a_failing_run_is_named_and_the_others_go_on(cli, tiny_run, outputs, tmp_path, monkeypatch):
    (tmp_path / "failing.py").write_text(
        "import pytorch_lightning as pl, torch\n"
        "class Fails(pl.Callback):\n"
        "    def on_train_epoch_end(self, trainer, pl_module):\n"
        "        if torch.initial_seed() == 1:\n"
        "            raise RuntimeError('the disk is on fire')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    typed = [
        "train",
        "-m",
        *tiny_run,
        *FAST,
        "+callbacks.fails._target_=failing.Fails",
        "trusted=[failing]",
        "seed=0,1,2",
    ]
    done = cli(*typed)
    assert done.status == 1
    assert "failed  seed=1  RuntimeError: the disk is on fire" in done.err
    assert done.problems[-1] == "1 of 3 runs did not finish; type the command again to run them"
    assert "Traceback" not in done.err
    states = {r["seed"]: r["status"] for r in results(outputs)}
    assert states == {0: "finished", 1: "failed", 2: "finished"}
    logs = {r["seed"]: (outputs / "default" / r["run_id"] / "run.log").read_text() for r in results(outputs)}
    assert [seed for seed, log in sorted(logs.items()) if "the disk is on fire" in log] == [1]
    [row] = rows(outputs / "default" / "leaderboard.csv")
    assert row["replicates"] == "0 2"

    import failing

    monkeypatch.delattr(failing.Fails, "on_train_epoch_end")
    again = cli(*typed)
    assert again.status == 0, "typed again, what failed is run again"
    assert "2 finished before" in again.err
    assert {r["seed"]: r["status"] for r in results(outputs)} == dict.fromkeys((0, 1, 2), "finished")


def test_a_diverging_run_is_named(cli, tiny_run, outputs):
    done = cli("train", "-m", *tiny_run, "optimizer.head_lr=1e-3,1e38", "trainer.gradient_clip_val=null")
    assert done.status == 1
    assert "failed  optimizer.head_lr=1e+38  TrainingDivergedError: " in done.err
    assert sorted(r["status"] for r in results(outputs)) == ["failed", "finished"]


def test_points_that_are_one_run_run_once(cli, tiny_run, outputs):
    done = cli("train", "-m", *tiny_run, *FAST, "trainer.precision=32,32-true", "seed=0")
    assert done.status == 0
    assert "1 runs in" in done.err
    assert len(results(outputs)) == 1


def test_precisions_sweep(cli, tiny_run, outputs):
    assert cli("train", "-m", *tiny_run, "trainer.precision=32,bf16-mixed").status == 0
    assert len(results(outputs)) == 2


def test_swept_values_of_an_experiment_give_way_to_the_command_line(cli, tiny_run, outputs):
    typed = [key for key in tiny_run if not key.startswith("trainer.max_epochs")]  # a probe has none
    done = cli("train", "-m", "experiment=demo", *typed, "pooling=cls,max", "seed=4")
    assert done.status == 0, done.err
    assert {(r["pooling"], r["seed"], r["study"]) for r in results(outputs, "demo")} == {
        ("cls", 4, "demo"), ("max", 4, "demo"),
    }  # fmt: skip


def test_one_encoder_pass_serves_a_sweep(cli, tiny_run, monkeypatch):
    from poolsweep.features.store import FeatureStore

    passes = []
    write = FeatureStore._write

    def counted(self, *given):
        passes.append(self.folder.name.split("-")[-2])
        write(self, *given)

    monkeypatch.setattr(FeatureStore, "_write", counted)
    poolings = "cls,max,last4_concat,cls_last4_mean,sgpt,last,elmo"
    done = cli("train", "-m", *tiny_run, *FAST, f"pooling={poolings}", "seed=0,1", "trainer.max_epochs=1")
    assert done.status == 0
    assert sorted(passes) == ["test", "train", "validation"]


FAILING = (
    "import os, pytorch_lightning as pl, torch\n"
    "class Fails(pl.Callback):\n"
    "    def on_train_start(self, trainer, pl_module):\n"
    "        if torch.initial_seed() == 1 and not os.environ.get('REPAIRED'):\n"
    "            raise RuntimeError('the disk is on fire')\n"
)


@pytest.fixture
def failing(tiny_run, tmp_path, monkeypatch) -> list[str]:
    """A sweep over three seeds of which seed=1 fails until REPAIRED is set."""
    (tmp_path / "failing_start.py").write_text(FAILING)
    monkeypatch.syspath_prepend(tmp_path)
    return [
        "train", "-m", *tiny_run, *FAST, "trainer.max_epochs=1", "+callbacks.fails._target_=failing_start.Fails",
        "trusted=[failing_start]", "seed=0,1,2",
    ]  # fmt: skip


def test_on_failure_stop_and_every_retry(cli, failing, outputs, monkeypatch):
    stopped = cli(*failing, "on_failure=stop")
    assert stopped.status == 1
    assert "2 of 3 runs did not finish (1 not begun, as on_failure=stop asks)" in stopped.problems[-1]
    assert {r["seed"]: r["status"] for r in results(outputs)} == {0: "finished", 1: "failed"}
    assert "3 runs, 1 finished, 1 failed, 1 missing" in cli("status", "default").out

    monkeypatch.setenv("REPAIRED", "1")
    left = cli(*failing, "retry=never")
    assert left.status == 1
    assert "1 finished before, 1 failed before and are not run again (retry=never)" in left.err
    assert left.problems[-1] == "1 of 3 runs did not finish; retry=failed runs them again"
    assert {r["seed"]: r["status"] for r in results(outputs)} == {0: "finished", 1: "failed", 2: "finished"}
    one = ["train", *failing[2:-1], "seed=1", "retry=never"]
    assert "failed before; retry=failed runs it again" in cli(*one).problems[-1]

    assert cli(*failing).status == 0
    first = {r["seed"]: (r["status"], r["started"], r["attempts"]) for r in results(outputs)}
    assert first[1][0] == "finished"
    assert first[1][2] == 2
    before = {path: path.stat().st_mtime_ns for path in outputs.glob("default/*/result.json")}
    assert cli(*failing, "retry=all").status == 0
    assert len(before) == 3
    assert all(path.stat().st_mtime_ns > stamp for path, stamp in before.items())


def test_a_run_of_another_process_is_left_to_it_and_taken_over_when_it_dies(cli, tiny_run, outputs, monkeypatch):
    """The other process is a sleeping one, in whose name the lock is written; it dies while the sweep waits."""
    from poolsweep.process.owner import owner, process_started
    from poolsweep.sweep import grid

    typed = ["train", *tiny_run, *FAST, "trainer.max_epochs=1"]
    assert cli(*typed, "seed=0").status == 0
    [folder] = outputs.glob("default/*/")
    (folder / "result.json").unlink()
    starts = ["sh", "-c", "sleep 60 >&- 2>&- & echo $!"]  # one that is no child of the sweep
    other = int(subprocess.run(starts, capture_output=True, text=True, check=True).stdout)
    who = {**owner(), "pid": other, "process_started": process_started(other), "token": "theirs"}
    (folder / "lock.json").write_text(json.dumps(who))

    single = cli(*typed, "seed=0")
    assert single.status == 1
    assert f"is being run by process {other}" in single.problems[-1]
    seen = []

    def die(seconds: float) -> None:
        seen.append([r["seed"] for r in results(outputs)])
        os.kill(other, signal.SIGKILL)
        while process_started(other) is not None:
            pass

    monkeypatch.setattr(grid, "time", type("Clock", (), {"sleep": staticmethod(die), "time": time.time}))
    done = cli("train", "-m", *typed[1:], "seed=0,1")
    assert done.status == 0, done.err
    assert f"waiting for 1 runs of process {other}" in done.err
    assert seen == [[1]], "the free one was run first, then the sweep waited"
    assert sorted(r["seed"] for r in results(outputs)) == [0, 1]


def test_a_lock_of_its_own_that_could_not_go_is_not_waited_for(tmp_path, capsys):
    """As after a remount that lets nothing be removed: the sweep ends, and says that runs have not finished."""
    from poolsweep.process.owner import owner
    from poolsweep.runs.folder import RunFolder
    from poolsweep.sweep.combination import Combination
    from poolsweep.sweep.grid import SweepFailedError, require_finished, run_all
    from poolsweep.terminal.console import Console

    folder = RunFolder(tmp_path / "study" / "run")
    folder.path.mkdir(parents=True)

    class Leaves:
        def launch(self, overrides, initial_job_idx):
            folder.lock.write_text(json.dumps({**owner(), "token": "of a worker that lives"}))

    run_all({folder: Combination((), ("run",))}, launcher=Leaves(), console=Console())
    assert folder.lock.exists(), "premise: it is still there"
    with pytest.raises(SweepFailedError, match="1 of 1 runs did not finish"):
        require_finished([folder], not_retried=[])


def test_composing_once_gives_what_hydra_composes(tiny_run, compose, cli, monkeypatch):
    """Plain values are set on a shared composition; groups, additions and deletions are composed by Hydra."""
    from poolsweep.config import resolve
    from poolsweep.sweep import grid
    from poolsweep.training.sources import task_of_data

    seen, plain = {}, set()

    def look(combinations, *, compose, launcher):
        seen.update(
            {combination: resolve(compose(combination), find_task=task_of_data) for combination in combinations}
        )
        plain.update(compose.__self__.loader.values)

    monkeypatch.setattr(grid, "sweep", look)
    swept = [
        "seed=0,3", "pooling=cls,last4_concat", "optimizer.lr=1e-5", "encoder.frozen=true,false",
        "+trainer.limit_val_batches=1,2",
    ]  # fmt: skip
    assert cli("train", "-m", *tiny_run, "optimizer=adamw", *swept).status == 0
    assert len(seen) == 2**4
    assert plain == {"seed=0", "seed=3", "encoder.frozen=True", "encoder.frozen=False"}
    for combination, config in list(seen.items())[::5]:
        assert config == compose(*combination.overrides)
    init = {config.init_seed for config in seen.values()}
    assert init == {0, 3}, "interpolations are resolved after the value is set"


def test_what_the_probe_asks_is_asked_before_anything_runs(cli, tiny_run, outputs):
    typed = ["trainer.accelerator=cpu", "encoder.frozen=true", "trainer=probe", "pooling=cls,elmo"]
    done = cli("train", "-m", *[o for o in tiny_run if not o.startswith("trainer.")], *typed)
    assert done.status == 2
    assert "trainer=probe needs a pooling without parameters of its own; pooling=elmo has" in done.problems[-1]
    assert not list(outputs.glob("default/*/result.json"))


def test_what_keeps_runs_from_beginning_is_said(cli, tiny_run, outputs):
    done = cli("train", "-m", *tiny_run, *FAST, "trainer.num_nodes=2", "pooling=cls,max")
    assert done.status == 1
    assert "ask for 2 processes on 2 machines, and nothing has started them" in done.problems[-2]
    assert done.problems[-1] == "2 of 2 runs did not finish; type the command again to run them"


@pytest.mark.parametrize("how", [[], ["sweep=race"], ["sweep=optuna"]], ids=["grid", "race", "search"])
@pytest.mark.parametrize("study", ["study=a,b", "study=p_${pooling.tokens._target_}"])
def test_a_sweep_is_one_study(cli, tiny_run, outputs, how: list[str], study: str):
    done = cli("train", "-m", *tiny_run, *FAST, *how, "pooling=cls,max", study, "seed=0,1")
    assert done.status == 2
    assert done.problems[-1].startswith(f"a sweep is one study, got {outputs / study.split('=')[1][0]}")
    assert not list(outputs.glob("*/*/result.json"))


def test_the_seed_of_weights_that_a_probe_does_not_have_makes_no_runs(cli, tiny_run, outputs):
    fixed = [o for o in tiny_run if not o.startswith("trainer.")]
    typed = ["trainer=probe", "trainer.accelerator=cpu", "encoder.frozen=true", "pooling=cls,max", "seed=0,1,2"]
    assert cli("train", "-m", *fixed, *typed, "data_seed=0").status == 0
    found = results(outputs)
    assert len(found) == 2, "three seeds of the weights are one run"
    assert cli("train", "-m", *fixed, *typed).status == 0
    assert len(results(outputs)) == 6


@pytest.mark.parametrize("flag", [["--cfg", "job"], ["--info", "defaults"]])
def test_a_flag_for_one_run_with_a_sweep_is_refused_in_one_line(cli, tiny_run, flag: list[str]):
    done = cli("train", "-m", *tiny_run, *flag)
    assert done.status == 2
    assert done.problems == ["--cfg and --info show the config of one run, and -m runs a sweep: leave one out"]


@pytest.mark.parametrize("key", ["data.max_length", "retry", "features.max_gib", "checkpoint.every_minutes"])
@pytest.mark.parametrize("sweeping", [[], ["-m"]], ids=["one", "sweep"])
def test_a_key_that_was_taken_away_is_named(cli, tiny_run, outputs, key: str, sweeping: list[str]):
    fixed = [o for o in tiny_run if not o.startswith(f"{key}=")]
    done = cli("train", *sweeping, *fixed, f"~{key}")
    assert done.status == 2, done.err
    assert done.problems == [f"{key} is missing: it has a default, which ~{key} takes away"]


def test_what_to_type_is_quoted(cli, tiny_run, outputs):
    done = cli("train", "-m", *tiny_run, *FAST, 'study="a b"', "seed=0")
    assert done.status == 0, done.err
    assert "poolsweep report 'a b'" in done.out


@pytest.mark.parametrize("by_seed", [False, True])
def test_seeds_of_splits_are_replicates(cli, tiny_run, outputs, by_seed):
    fixed = [o for o in tiny_run if not o.startswith("trainer.")]
    fixed += ["trainer=probe", "trainer.accelerator=cpu", "encoder.frozen=true", "pooling=cls,max"]
    swept = ["seed=0,1", "data.split_seed=${seed}"] if by_seed else ["data.split_seed=0,1"]
    done = cli("train", "-m", *fixed, *swept)
    assert done.status == 0
    assert "interval over 2 splits" in done.out
    assert "other splits" in done.out
    table = rows(outputs / "default" / "leaderboard.csv")
    assert [(row["basis"], row["settings"]) for row in table] == [("splits", "1")] * 2
    for row in table:
        scores = [one["metrics"]["test/accuracy"] for one in results(outputs) if one["pooling"] == row["pooling"]]
        assert float(row["test_accuracy"]) == pytest.approx(sum(scores) / 2, abs=1e-6)
