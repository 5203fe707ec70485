"""``hydra/launcher=ray`` on a Ray of this machine's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from poolsweep.files.writing import read_json

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]  # Ray's own
RAY = ["train", "-m", "hydra/launcher=ray", "+hydra.launcher.init.num_cpus=2", "study=s"]


def typed(*given: str) -> subprocess.Popen:
    """In a process of its own: Ray leaves threads and signal handlers behind."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "poolsweep", *given]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_worker_is_killed_and_its_run_goes_on(short_run, outputs):
    given = [*short_run, "trainer.max_epochs=40", "checkpoint.every_steps=5", "pooling=cls,masked_mean"]
    process = typed(*RAY, *given)
    deadline = time.monotonic() + 240
    while True:
        statuses = [read_json(path) or {} for path in outputs.glob("s/*/status.json")]
        begun = [status for status in statuses if status.get("step", 0) > 12]
        if begun:
            os.kill(begun[0]["pid"], signal.SIGKILL)
            break
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    results = [read_json(path) for path in outputs.glob("s/*/result.json")]
    assert [result["status"] for result in results] == ["finished"] * 2
    assert sorted(result["attempts"] for result in results) == [1, 2]
    assert next(result["resumed_at"] for result in results if result["attempts"] == 2) >= 10
    assert "masked_mean" in out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["hydra.launcher.cpus=64"], "a run asks for 64 CPUs"),
        (["trainer.num_nodes=2"], "needs hydra/launcher=slurm"),
        (["hydra.launcher.retries=often"], "hydra.launcher.retries"),
    ],
)
def test_what_cannot_be_had(given, said, tiny_run):
    process = typed(*RAY, *tiny_run, *given)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 2, err
    assert said in err
