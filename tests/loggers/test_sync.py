"""poolsweep sync says what it would send, and sends it when told to; W&B itself counts one run per run id."""

from __future__ import annotations

import subprocess
import sys

import pytest

from poolsweep.loggers import sync as module
from poolsweep.terminal.console import Console


@pytest.fixture
def study(cli, tiny_run, outputs):
    done = cli("train", "-m", *tiny_run, "encoder.frozen=true", "logger=wandb", "study=s", "pooling=cls,max", "seed=0")
    assert done.status == 0, done.err
    return outputs / "s"


def test_it_lists_sends_and_lists_no_more(cli, study, monkeypatch):
    ids = sorted(path.parent.name for path in study.glob("*/result.json"))
    assert len(ids) == 2
    listed = subprocess.run(
        [sys.executable, "-m", "wandb", "sync", "--dry-run", *map(str, study.glob("wandb/offline-run-*"))],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    said = listed.stdout + listed.stderr
    assert "Would sync 3 run(s)" in said
    assert all(said.count(f"run-{run_id}.wandb") == 1 for run_id in ids)

    first = cli("sync", "s")
    assert first.status == 0
    assert "3 of 3 offline runs to send to api.wandb.ai" in first.out
    assert all(run_id in first.out for run_id in ids)
    assert "nothing was sent; to send: poolsweep sync s --yes" in first.out

    without = cli("sync", "s", "--yes")
    assert without.status == 2
    assert "there is no W&B key for api.wandb.ai: wandb login, or set WANDB_API_KEY" in without.problems[0]

    calls = []

    def send(command, **given):
        calls.append((command[-1], given["timeout"]))
        folder = study / "wandb" / command[-1].rsplit("/", 1)[-1]
        if len(calls) == 1:
            raise subprocess.TimeoutExpired(command, given["timeout"])
        if len(calls) in (2, 3):
            return subprocess.CompletedProcess(command, 1, "", "wandb: ERROR no network for key-0123456789\n")
        (folder / f"run-{folder.name.rsplit('-', 1)[-1]}.wandb.synced").touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setenv("WANDB_API_KEY", "key-0123456789")
    monkeypatch.setattr(module.subprocess, "run", send)
    failed = cli("sync", "s", "--yes", "--timeout-minutes", "2")
    assert failed.status == 1
    assert "not sent: it took longer than 2 minutes" in failed.out
    assert "not sent: ERROR no network for [hidden]" in failed.out
    assert "3 of 3 runs were not sent; the same command sends what is left" in failed.out
    assert [timeout for _, timeout in calls] == [120, 120, 120]
    assert cli("sync", "s", "--yes").status == 0
    assert "0 of 3 offline runs to send to api.wandb.ai, 0.0 MB, 3 sent before" in cli("sync", "s").out


def test_a_study_without_offline_runs_is_named(outputs):
    (outputs / "empty").mkdir(parents=True)
    with pytest.raises(module.UserError, match="has no offline W&B runs"):
        module.sync(outputs / "empty", send=False, timeout_minutes=1, console=Console())
