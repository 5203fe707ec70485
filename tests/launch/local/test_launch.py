"""Two runs at once: what each worker is given, and one that dies while the other goes on."""

from __future__ import annotations

import json
import os

import pytest

# Notes what its process was given; seed 1 is killed there, as the kernel does when memory runs out.
NOTES = """
import json, os, pathlib, signal
import pytorch_lightning as pl, torch

class Notes(pl.Callback):
    def on_train_epoch_end(self, trainer, pl_module):
        folder = os.environ.get("NOTES")
        if folder is None:
            return
        seed = torch.initial_seed()
        note = {
            "gpus": os.environ["CUDA_VISIBLE_DEVICES"],
            "cores": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [],
            "threads": [os.environ["OMP_NUM_THREADS"], torch.get_num_threads()],
            "pid": os.getpid(),
        }
        pathlib.Path(folder, f"{seed}.json").write_text(json.dumps(note))
        if seed == 1:
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def noting(tiny_run, tmp_path, monkeypatch) -> list[str]:
    (tmp_path / "noting.py").write_text(NOTES)
    monkeypatch.syspath_prepend(tmp_path)
    return [
        "train", "-m", *tiny_run, "encoder.frozen=true", "trainer.max_epochs=1", "seed=0,1",
        "+callbacks.notes._target_=noting.Notes", "trusted=[noting]",
    ]  # fmt: skip


def test_a_killed_worker_fails_its_run_alone_and_each_has_its_own_room(
    cli, noting, outputs, tmp_path, monkeypatch, bits
):
    monkeypatch.setenv("NOTES", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,7")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    local = ["hydra/launcher=local", "hydra.launcher.runs_at_once=2", "hydra.launcher.gpus=[1,2]"]
    done = cli(*noting, *local)
    assert done.status == 1
    assert done.problems[-1] == "1 of 2 runs did not finish; type the command again to run them"
    assert "failed  seed=1  its process was killed by SIGKILL" in done.err
    assert "finished  seed=0" in done.err

    notes = [json.loads((tmp_path / f"{seed}.json").read_text()) for seed in (0, 1)]
    assert sorted(note["gpus"] for note in notes) == ["5", "7"]
    assert notes[0]["pid"] != notes[1]["pid"]
    if hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1:
        assert not set(notes[0]["cores"]) & set(notes[1]["cores"])
        assert all(note["threads"] == [str(len(note["cores"])), len(note["cores"])] for note in notes)

    [status] = [s for s in map(json.loads, (p.read_text() for p in outputs.glob("default/*/status.json")))
                if s["state"] != "finished"]  # fmt: skip
    assert (status["state"], status["kind"]) == ("failed", "killed")
    assert status["name"].endswith("seed=1 +callbacks.notes._target_=noting.Notes")
    assert "2 runs, 1 finished, 1 failed" in cli("status", "default").out
    assert not list(outputs.glob("default/*/lock.json"))

    monkeypatch.delenv("NOTES")
    again = cli(*noting)
    assert again.status == 0
    assert "1 finished before" in again.err
    assert cli(*noting, "study=alone").status == 0
    for folder in outputs.glob("default/*/"):
        assert bits(folder) == bits(outputs / "alone" / folder.name), "the launcher changes no bit"


def test_values_that_cannot_be(cli, tiny_run, no_new_files, monkeypatch):
    typed = ["train", "-m", *tiny_run, "seed=0,1", "hydra/launcher=local"]
    assert cli(*typed, "hydra.launcher.runs_at_once=0").problems == [
        "hydra.launcher.runs_at_once must be a whole number of at least 1, got 0"
    ]
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    done = cli(*typed, "hydra.launcher.gpus=[0]", "trainer.devices=2")
    assert done.problems == ["trainer.devices=2: 1 GPUs are there for hydra/launcher=local"]
