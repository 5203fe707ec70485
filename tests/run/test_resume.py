"""A run that is killed and typed again gives the same bits as one that was left alone."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from poolsweep.callbacks.best_weights import BestWeights
from poolsweep.classifier import Classifier

COMPARED = ("predictions-validation.parquet", "predictions-test.parquet", "checkpoints/best.safetensors", "metrics.csv")
# 51 training rows in batches of 8: 7 steps an epoch, two validations in each
SETTINGS = [
    "data.batch_size=8", "trainer.max_epochs=2", "trainer.val_check_interval=3", "trainer.log_every_n_steps=1",
    "data.eval_batch_size=3", "optimizer.lr=1e-3", "encoder.num_layers=2",
]  # fmt: skip


class KilledError(BaseException):
    """Stands for a SIGKILL: nothing is told, nothing is saved."""


@contextmanager
def killed_at(moment: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Die at the given moment, counted over the starts of steps and the ends of validations; gives the moments seen."""
    seen: list[str] = []

    def at(name: str) -> None:
        seen.append(name)
        if len(seen) - 1 == moment:
            raise KilledError(name)

    def wrapped(method, name, *, after: bool):
        def call(*arguments, **named):
            if not after:
                at(name)
            result = method(*arguments, **named)
            if after:
                at(name)
            return result

        return call

    with monkeypatch.context() as patch:
        for name in ("training_step", "validation_step", "test_step"):
            patch.setattr(Classifier, name, wrapped(getattr(Classifier, name), name, after=False))
        for name in ("save", "on_validation_end"):
            patch.setattr(BestWeights, name, wrapped(getattr(BestWeights, name), name, after=True))
        yield seen


def content(folder: Path) -> dict[str, object]:
    """All of a finished run that has to be the same."""
    result = json.loads((folder / "result.json").read_text())
    assert result["status"] == "finished"
    kept = ("metrics", "best_epoch", "epochs", "steps", "parameters", "truncated_share")
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in COMPARED} | {
        key: result[key] for key in kept
    }


def the_run(outputs: Path, study: str) -> Path:
    [folder] = outputs.glob(f"{study}/*/")
    return folder


@pytest.fixture
def alone(cli, tiny_run, outputs):
    """What a run gives that is left alone."""

    def run(*overrides: str) -> dict[str, object]:
        done = cli("train", *tiny_run, *SETTINGS, *overrides, "study=alone")
        assert done.status == 0, done.err
        return content(the_run(outputs, "alone"))

    return run


# Each with the moments it is killed at, one after the other; together they meet every kind of moment.
EACH_STEP = ["checkpoint.every_steps=1"]
KINDS = {
    "in every phase": (EACH_STEP, [4, 6, 10, 3]),
    "each third step": (["checkpoint.every_steps=3"], [9, 5]),
    "accumulated gradients": ([*EACH_STEP, "trainer.accumulate_grad_batches=2"], [5, 3]),
    "validated at the epoch's end": ([*EACH_STEP, "trainer.val_check_interval=1.0"], [8, 7]),
    "early stopping": ([*EACH_STEP, "callbacks.early_stopping.patience=1", "trainer.max_epochs=9"], [12, 3]),
    "an epoch without validation": (
        [*EACH_STEP, "trainer.val_check_interval=1.0", "+trainer.check_val_every_n_epoch=2"], [7, 6],
    ),
    "frozen": ([*EACH_STEP, "encoder.frozen=true"], [11]),
    "bf16 and workers": ([*EACH_STEP, "trainer.precision=bf16-mixed", "data.num_workers=1"], [12]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_killed_and_typed_again_gives_the_same_bits(kind, cli, tiny_run, outputs, alone, monkeypatch):
    overrides, moments = KINDS[kind]
    expected = alone(*overrides)
    typed = ["train", *tiny_run, *SETTINGS, *overrides, "study=killed"]
    for moment in moments:
        with killed_at(moment, monkeypatch), pytest.raises(KilledError):
            cli(*typed)
    done = cli(*typed)
    assert done.status == 0, done.err
    folder = the_run(outputs, "killed")
    assert content(folder) == expected
    result = json.loads((folder / "result.json").read_text())
    assert result["attempts"] == len(moments) + 1
    assert result["resumed_at"], "premise: it did not simply start again"
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["best.safetensors"]
    assert not list(folder.glob(".*"))
    assert not (folder / "lock.json").exists()


@pytest.mark.parametrize(("signum", "phase"), [(signal.SIGTERM, "training_step"), (signal.SIGINT, "validation_step")])
def test_a_signal_saves_after_the_step_and_leaves(signum, phase, cli, tiny_run, outputs, alone, monkeypatch):
    expected = alone()
    typed = ["train", *tiny_run, *SETTINGS, "study=asked"]  # checkpoints every five minutes: the signal alone saves
    original = getattr(Classifier, phase)
    steps: list[int] = []
    when = 4 if phase == "training_step" else 6

    def asked(self, batch, batch_idx):
        steps.append(self.global_step)
        if steps.count(when) == 1 and steps[-1] == when:
            os.kill(os.getpid(), signum)
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, phase, asked)
        done = cli(*typed)
    assert done.status == 128 + signum
    assert done.problems[-1] == "interrupted; the same command again goes on from here"
    folder = the_run(outputs, "asked")
    assert json.loads((folder / "status.json").read_text())["state"] == "interrupted"
    assert not (folder / "result.json").exists()
    assert not (folder / "lock.json").exists()
    assert cli("status", "asked").out.startswith("asked: 1 runs, 1 interrupted")
    assert cli(*typed).status == 0
    assert content(folder) == expected
    resumed = json.loads((folder / "result.json").read_text())["resumed_at"]
    assert resumed == (5 if phase == "training_step" else 6)


def test_a_truncated_checkpoint_gives_way_to_the_one_before(cli, tiny_run, outputs, alone, monkeypatch):
    expected = alone(*EACH_STEP)
    typed = ["train", *tiny_run, *SETTINGS, *EACH_STEP, "study=truncated"]
    with killed_at(18, monkeypatch), pytest.raises(KilledError):
        cli(*typed)
    folder = the_run(outputs, "truncated")
    before, newest = sorted((folder / "checkpoints").glob("step-*.ckpt"))
    os.truncate(newest, newest.stat().st_size // 2)
    assert cli(*typed).status == 0
    assert content(folder) == expected
    resumed = json.loads((folder / "result.json").read_text())["resumed_at"]
    assert resumed == int(before.name.split("-")[1]) < int(newest.name.split("-")[1])
    assert f"{newest.name} is damaged" in (folder / "run.log").read_text()


def test_random_states_of_all_libraries_come_back_through_a_file(tmp_path):
    import random

    import numpy as np

    from poolsweep.run.random_state import random_states, restore_random_states

    def draw() -> tuple:
        return random.random(), np.random.rand(), np.random.randn(), torch.rand(1).item()

    draw()
    torch.save(random_states(), tmp_path / "states")
    expected = draw()
    draw()
    restore_random_states(torch.load(tmp_path / "states", weights_only=True))
    assert draw() == expected


def test_going_on_under_other_versions_is_said_once(capsys):
    from poolsweep.callbacks.checkpoint import _warn_of_other_versions
    from poolsweep.run.environment import versions

    before = tuple((versions() | {"torch": "1.0"}).items())
    for _ in range(2):
        _warn_of_other_versions(before)
    err = capsys.readouterr().err
    assert err.count("going on under other versions") == 1
    assert "torch" in err
    assert "(before: 1.0)" in err
    _warn_of_other_versions(tuple(versions().items()))
    assert capsys.readouterr().err == ""
