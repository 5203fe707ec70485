"""What goes wrong ends one run, is written down with its reason, and never looks like a result."""

from __future__ import annotations

import errno
import json
import shutil
from collections import namedtuple

import pytest
import torch

from poolsweep.callbacks.best_weights import BestWeights
from poolsweep.config import Node
from poolsweep.errors import RunTimeoutError, TrainingDivergedError
from poolsweep.model.lightning import LightningClassifier
from poolsweep.runs.checkpoints import CheckpointStore
from poolsweep.runs.records import fingerprints, write_result
from poolsweep.runs.stored_config import read_config, write_config
from poolsweep.training import failure
from poolsweep.training.failure import DiskFullError, kind_of, require_room


def chained(cause: BaseException) -> RuntimeError:
    error = RuntimeError("unexpected pos 64")
    error.__context__ = cause
    return error


KINDS = {
    "diverged": TrainingDivergedError("nan"),
    "timeout": RunTimeoutError("over"),
    "out_of_memory": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    "disk_full": chained(OSError(errno.ENOSPC, "No space left on device")),
    "exception": ValueError("x"),
}


def test_kinds():
    assert {kind: kind_of(error) for kind, error in KINDS.items()} == {kind: kind for kind in KINDS}
    assert kind_of(MemoryError()) == kind_of(torch.cuda.OutOfMemoryError("CUDA out of memory")) == "out_of_memory"
    assert kind_of(DiskFullError("x")) == kind_of(OSError(errno.EDQUOT, "quota")) == "disk_full"
    assert kind_of(RuntimeError("I/O error: No space left on device (os error 28)")) == "disk_full"


def test_room_is_asked_for_before_training(tmp_path, monkeypatch):
    module = torch.nn.Linear(1024, 1024, bias=False)  # 4 MiB
    usage = namedtuple("usage", "free")
    for checkpoints, needed in ((False, 16 + 2 * 4), (True, 16 + 2 * 4 + 3 * 12)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=needed: usage(free * 2**20))
        require_room(tmp_path, module, checkpoints=checkpoints)
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=needed: usage(free * 2**20 - 1))
        with pytest.raises(DiskFullError, match=f"may write {needed} MiB"):
            require_room(tmp_path, module, checkpoints=checkpoints)


def record(outputs) -> tuple[dict, dict]:
    [folder] = outputs.glob("default/*/")
    return json.loads((folder / "result.json").read_text()), json.loads((folder / "status.json").read_text())


def test_a_disk_without_room_is_said_in_one_line_before_training(cli, tiny_run, outputs, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(failure.shutil, "disk_usage", lambda path: usage(2**20))
    monkeypatch.setattr(LightningClassifier, "training_step", lambda *given: pytest.fail("it trained"))
    done = cli("train", *tiny_run)
    assert done.status == 1
    assert "has 1 MiB free, and this run may write" in done.problems[-1]
    result, status = record(outputs)
    assert (result["status"], result["kind"], status["kind"]) == ("failed", "disk_full", "disk_full")


def test_a_disk_that_fills_up_leaves_no_result_and_the_run_can_be_finished(cli, short_run, outputs, monkeypatch, bits):
    """First there is no room for checkpoints, which a run survives; then none for the best weights, which ends it."""
    assert cli("train", *short_run, "study=alone").status == 0
    [alone] = outputs.glob("alone/*/")

    def full(*given, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    typed = ["train", "-m", *short_run, "checkpoint.every_steps=2"]
    with monkeypatch.context() as patch:
        patch.setattr("poolsweep.callbacks.checkpoint.torch.save", full)
        patch.setattr(BestWeights, "publish", full)
        done = cli(*typed)
    assert done.status == 1
    assert "OSError: [Errno 28] No space left on device" in done.err
    result, status = record(outputs)
    assert (result["status"], status["state"], status["kind"]) == ("failed", "failed", "disk_full")
    assert any("no checkpoint could be written" in line for line in status["log"])
    [folder] = outputs.glob("default/*/")
    assert not (folder / "checkpoints" / "best.safetensors").exists()
    assert CheckpointStore(folder / "checkpoints").newest_first() == []

    with monkeypatch.context() as patch:
        patch.setattr("poolsweep.runs.records.write_json", full)  # no room for the result either
        assert cli(*typed).status == 1
    assert cli("status", "default").out.startswith("default: 1 runs, 1 failed")
    assert cli(*typed).status == 0
    assert bits(folder) == bits(alone)


def test_a_run_that_takes_too_long_saves_and_fails_and_goes_on_later(cli, short_run, outputs, bits):
    assert cli("train", *short_run, "study=alone").status == 0
    done = cli("train", *short_run, "run_timeout_minutes=1e-6")
    assert done.status == 1
    assert "run_timeout_minutes=1e-06 are over; what is trained is saved" in done.problems[-1]
    result, status = record(outputs)
    assert (result["status"], status["kind"]) == ("failed", "timeout")
    assert cli("train", *short_run).status == 0
    [folder], [alone] = outputs.glob("default/*/"), outputs.glob("alone/*/")
    assert bits(folder) == bits(alone)


def test_another_config_in_the_folder_is_not_written_over(cli, tiny_run, outputs):
    assert cli("train", *tiny_run, "encoder.frozen=true").status == 0
    [folder] = outputs.glob("default/*/")
    write_config(folder / "config.yaml", Node({**read_config(folder / "config.yaml"), "init_seed": 5}))
    write_result(folder, json.loads((folder / "result.json").read_text()) | {"files": fingerprints(folder)})
    before = (folder / "result.json").read_bytes()
    for arguments in (["train"], ["train", "-m"]):
        done = cli(*arguments, *tiny_run, "encoder.frozen=true")
        assert done.status == 2
        assert done.problems[-1] == (
            f"{folder} holds a run of another config, which differs in init_seed; "
            "choose another study, or remove that folder"
        )
    assert (folder / "result.json").read_bytes() == before


def test_what_is_not_in_the_config_is_recorded(cli, tiny_run, outputs):
    assert cli("train", *tiny_run, "encoder.frozen=true", "trainer.max_epochs=1").status == 0
    result, _ = record(outputs)
    assert result["attempts"] == 1
    assert result["resumed_at"] is None
    assert (result["git_changes"] is None) == (not (result["git_commit"] or "").endswith("+changes"))
