"""Array sweeps: what breaks a job breaks no other, and is never taken for a success."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from poolsweep.cli import main
from poolsweep.files.writing import read_json

pytestmark = pytest.mark.slurm

BREAKER = ["callbacks.breaker._target_=breaker.Breaker", "trusted=[breaker]"]


@pytest.fixture(scope="module")
def broken(lab, output_root) -> dict[str, dict]:
    """A sweep of runs that end in every way; gives the status of each by name."""
    lab.submit(
        "broken", "trainer.max_epochs=1", *(f"+{word}" if word.startswith("call") else word for word in BREAKER),
        "+callbacks.breaker.how=none,raise,exit0,exit3,kill",
    )  # fmt: skip
    lab.wait("ended", lambda: lab.ended("broken"))
    return status(lab, "broken")


def status(lab, study: str) -> dict[str, dict]:
    done = subprocess.run(
        [sys.executable, "-m", "poolsweep", "status", study, "--json"], capture_output=True, text=True, check=False
    )
    [found] = json.loads(done.stdout)["studies"]
    return {run["name"].rpartition("=")[2]: run for run in found["runs"]}


@pytest.mark.parametrize(
    ("how", "state", "kind"),
    [
        ("none", "finished", None), ("raise", "failed", "exception"), ("exit0", "failed", "lost_job"),
        ("exit3", "failed", "lost_job"), ("kill", "failed", "lost_job"),
    ],
)  # fmt: skip
def test_each_run_for_itself(how, state, kind, broken):
    assert (broken[how]["state"], broken[how].get("kind")) == (state, kind)


def test_slurm_calls_one_completed_that_left_nothing(lab, broken):
    assert "COMPLETED and left no result" in broken["exit0"]["reason"]
    assert broken["exit3"]["log"], "the end of what the job printed"


def test_one_array(lab, broken):
    assert len({job.partition("_")[0] for job in lab.jobs("broken")}) == 1
    assert len(lab.jobs("broken")) == 5


def test_retry_never_leaves_lost_jobs(lab, broken, capsys):
    how = "+callbacks.breaker.how=none,raise,exit0,exit3,kill"
    typed = lab.typed("broken", "trainer.max_epochs=1", f"+{BREAKER[0]}", BREAKER[1], how, "retry=never")
    assert main(typed) == 1
    said = capsys.readouterr().err
    assert "1 finished before, 4 failed before and are not run again (retry=never)" in said
    assert len(lab.jobs("broken")) == 5, "none was submitted"


def test_waits_and_draws_the_leaderboard(lab, capsys):
    assert main(lab.typed("waited", "trainer.max_epochs=1", "pooling=cls,masked_mean")) == 0
    said = capsys.readouterr()
    assert "submitted 2 runs as Slurm job" in said.err
    assert "[2/2] finished" in said.err
    assert "masked_mean" in said.out
    results = [read_json(path) for path in lab.study("waited").glob("*/result.json")]
    assert [result["status"] for result in results] == ["finished"] * 2
