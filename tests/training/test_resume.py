"""A run that is killed and typed again gives the same bits as one that was left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from poolsweep.model.lightning import LightningClassifier


def the_run(outputs: Path, study: str) -> Path:
    [folder] = outputs.glob(f"{study}/*/")
    return folder


@pytest.fixture
def alone(cli, short_run, outputs, bits):
    """What a run gives that is left alone."""

    def run(*overrides: str) -> dict[str, object]:
        done = cli("train", *short_run, *overrides, "study=alone")
        assert done.status == 0, done.err
        return bits(the_run(outputs, "alone"))

    return run


# Each with the moments it is killed at, one after the other. tests/system has every moment, and more kinds.
EACH_STEP = ["checkpoint.every_steps=1"]
KINDS = {
    "in every phase": (EACH_STEP, [4, 6, 10, 3]),
    "accumulated gradients, early stopping": (
        [*EACH_STEP, "trainer.accumulate_grad_batches=2", "callbacks.early_stopping.patience=1"], [7],
    ),
    "an epoch without validation": (
        [*EACH_STEP, "trainer.val_check_interval=1.0", "+trainer.check_val_every_n_epoch=2"], [7],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_killed_and_typed_again_gives_the_same_bits(kind, cli, short_run, outputs, alone, killed_at, bits):
    overrides, moments = KINDS[kind]
    expected = alone(*overrides)
    typed = ["train", *short_run, *overrides, "study=killed"]
    for moment in moments:
        with killed_at(moment) as kill, pytest.raises(kill.error):
            cli(*typed)
    done = cli(*typed)
    assert done.status == 0, done.err
    folder = the_run(outputs, "killed")
    assert bits(folder) == expected
    result = json.loads((folder / "result.json").read_text())
    assert result["attempts"] == len(moments) + 1
    assert result["resumed_at"], "premise: it did not simply start again"
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["best.safetensors"]
    assert not list(folder.glob(".*"))
    assert not (folder / "lock.json").exists()


IN_BETWEEN = ["trainer.accumulate_grad_batches=2", "trainer.val_check_interval=3"]  # gradients pend while it validates


@pytest.mark.parametrize(
    ("signum", "phase", "overrides", "when", "resumed_at"),
    [(signal.SIGTERM, "training_step", [], 4, 5), (signal.SIGINT, "validation_step", [], 6, 6),
     (signal.SIGTERM, "validation_step", IN_BETWEEN, 1, 2)],
)  # fmt: skip
def test_a_signal_saves_after_the_step_and_leaves(
    signum, phase, overrides, when, resumed_at, cli, short_run, outputs, alone, monkeypatch, bits
):
    expected = alone(*overrides)
    typed = ["train", *short_run, *overrides, "study=asked"]  # checkpoints every five minutes: the signal alone saves
    original = getattr(LightningClassifier, phase)
    steps: list[int] = []

    def asked(self, batch, batch_idx):
        steps.append(self.global_step)
        if steps.count(when) == 1 and steps[-1] == when:
            os.kill(os.getpid(), signum)
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(LightningClassifier, phase, asked)
        done = cli(*typed)
    assert done.status == 128 + signum
    assert done.problems[-1] == "interrupted; the same command again goes on from here"
    folder = the_run(outputs, "asked")
    assert json.loads((folder / "status.json").read_text())["state"] == "interrupted"
    assert not (folder / "result.json").exists()
    assert not (folder / "lock.json").exists()
    assert cli("status", "asked").out.startswith("asked: 1 runs, 1 interrupted")
    assert cli(*typed).status == 0
    assert bits(folder) == expected
    resumed = json.loads((folder / "result.json").read_text())["resumed_at"]
    assert resumed == resumed_at


def test_a_truncated_checkpoint_gives_way_to_the_one_before(cli, short_run, outputs, alone, killed_at, bits):
    expected = alone(*EACH_STEP)
    typed = ["train", *short_run, *EACH_STEP, "study=truncated"]
    with killed_at(18) as kill, pytest.raises(kill.error):
        cli(*typed)
    folder = the_run(outputs, "truncated")
    before, newest = sorted((folder / "checkpoints").glob("step-*.ckpt"))
    os.truncate(newest, newest.stat().st_size // 2)
    assert cli(*typed).status == 0
    assert bits(folder) == expected
    resumed = json.loads((folder / "result.json").read_text())["resumed_at"]
    assert resumed == int(before.name.split("-")[1]) < int(newest.name.split("-")[1])
    assert f"{newest.name} is damaged" in (folder / "run.log").read_text()


def test_a_process_that_is_killed(cli, short_run, outputs, bits):
    """A real SIGKILL, and what a process leaves behind that cannot tidy up: a lock, a status, half-written files."""
    typed = ["train", *short_run, "checkpoint.every_steps=1", "trainer.max_epochs=25", "callbacks=none"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "poolsweep", *typed], env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(outputs.glob("default/*/checkpoints/step-0000001*")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    folder = the_run(outputs, "default")
    assert (folder / "lock.json").exists()
    assert json.loads((folder / "status.json").read_text())["state"] == "running"
    assert cli("status", "default").out.startswith("default: 1 runs, 1 interrupted")
    assert cli(*typed).status == 0
    assert cli(*typed, "study=alone").status == 0
    assert bits(folder) == bits(the_run(outputs, "alone"))
    assert json.loads((folder / "result.json").read_text())["resumed_at"] >= 10


def test_random_states_of_all_libraries_come_back_through_a_file(tmp_path):
    import random

    import numpy as np

    from poolsweep.callbacks.random_state import random_states, restore_random_states

    def draw() -> tuple:
        return random.random(), np.random.rand(), np.random.randn(), torch.rand(1).item()

    draw()
    torch.save(random_states(), tmp_path / "states")
    expected = draw()
    draw()
    restore_random_states(torch.load(tmp_path / "states", weights_only=True))
    assert draw() == expected


def test_going_on_under_other_versions_is_said_once(capsys):
    from poolsweep.runs.environment import versions, warn_of_other_versions

    before = tuple((versions() | {"torch": "1.0"}).items())
    for _ in range(2):
        warn_of_other_versions(before)
    err = capsys.readouterr().err
    assert err.count("going on under other versions") == 1
    assert "torch" in err
    assert "(before: 1.0)" in err
    warn_of_other_versions(tuple(versions().items()))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("accelerator", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_the_loss_scaler_goes_on_where_it_was(accelerator, cli, short_run, outputs, killed_at, bits, monkeypatch):
    seen: dict[int, dict] = {}
    step = LightningClassifier.training_step

    def noted(self, batch, batch_idx):
        seen[self.global_step] = self.trainer.precision_plugin.scaler.state_dict()
        return step(self, batch, batch_idx)

    monkeypatch.setattr(LightningClassifier, "training_step", noted)
    typed = ["train", *short_run, *EACH_STEP, "trainer.precision=16-mixed", f"trainer.accelerator={accelerator}"]
    assert cli(*typed, "study=alone").status == 0
    expected = seen.copy()
    assert expected[5]["_growth_tracker"] == 5, "premise: it counts the steps without an overflow"
    seen.clear()
    with killed_at(7) as kill, pytest.raises(kill.error):
        cli(*typed, "study=again")
    before = max(seen)
    seen.clear()
    done = cli(*typed, "study=again")
    assert done.status == 0, done.err
    assert 0 < min(seen) <= before + 1, "premise: it went on from a checkpoint"
    assert seen == {at: state for at, state in expected.items() if at >= min(seen)}
    assert bits(the_run(outputs, "again")) == bits(the_run(outputs, "alone"))
