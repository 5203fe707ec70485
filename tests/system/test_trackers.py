"""Trackers in processes side by side, and after a run that failed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tracker_stores import ALL, in_mlflow, in_wandb, require_all_hold, results

pytestmark = pytest.mark.slow


def test_two_sweeps_at_once_share_one_study_in_every_tracker(tiny_run, outputs, tmp_path):
    """Both begin with no database, no experiment and no project, and make them at the same moment."""
    environment = {**os.environ, "POOLSWEEP_OUTPUTS": str(outputs), "OMP_NUM_THREADS": "1"}
    typed = [sys.executable, "-m", "poolsweep", "train", "-m", *tiny_run, "encoder.frozen=true", ALL, "study=together"]
    processes = [
        subprocess.Popen(
            [*typed, f"seed={seeds}"], cwd=tmp_path, env=environment, text=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for seeds in ("0,1", "2,3")
    ]  # fmt: skip
    for process in processes:
        _, said = process.communicate(timeout=600)
        assert process.returncode == 0, said
        assert "\x1b" not in said
        assert len(said.splitlines()) == 5, said
    study = outputs / "together"
    assert len(results(study)) == 4
    require_all_hold(study)
    client, _ = in_mlflow(study)
    assert {experiment.name for experiment in client.search_experiments()} == {"Default", "together"}


def test_a_run_that_failed_is_closed_and_gives_way_to_the_next_attempt(cli, tiny_run, outputs, monkeypatch):
    from poolsweep.model.lightning import LightningClassifier

    typed = ["train", *tiny_run, ALL, "study=failed"]
    with monkeypatch.context() as patch:
        patch.setattr(LightningClassifier, "on_test_epoch_end", lambda self: 1 / 0)
        done = cli(*typed)
        assert done.status == 1
        assert "ZeroDivisionError" in done.err
    study = outputs / "failed"
    [failed] = in_wandb(study).values()
    assert failed.exit_code == 1
    assert failed.history, "premise: it had logged"
    [run] = in_mlflow(study)[1].values()
    assert run.info.status == "FAILED"
    assert cli(*typed).status == 0
    require_all_hold(study)
