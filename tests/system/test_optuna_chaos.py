"""A search that is killed at random moments, and one that two processes make together."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

SEED = int(os.environ.get("POOLSWEEP_CHAOS_SEED", "0"))
TRIALS = 8


@pytest.fixture(scope="module")
def typed(animals) -> list[str]:
    return [
        sys.executable, "-m", "poolsweep", "train", "-m", "sweep=optuna", f"optuna.trials={TRIALS}",
        "optuna.startup_trials=3", "optuna.pruner_startup=2", "encoder=tiny", "encoder.num_layers=2", "data=files",
        f"data.train={animals}", "data.batch_size=4", "trainer.max_epochs=4", "trainer.accelerator=cpu",
        "checkpoint.every_steps=5", "seed=0,1", "pooling=cls,masked_mean,max",
        "optimizer.lr=tag(log,interval(1e-6,1e-2))",
    ]  # fmt: skip


def start(typed: list[str]) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(typed, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def trials(study: Path) -> list[dict[str, str]]:
    with (study / "trials.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_killed_at_random_moments_it_finds_what_it_would_have_found(typed, outputs, bits):
    for process in (start([*typed, "study=alone"]),):
        _, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
    alone, killed = outputs / "alone", outputs / "killed"
    generator, strikes = random.Random(SEED), 0
    while strikes < 6:
        process, begun = start([*typed, "study=killed"]), time.time()
        while max((p.stat().st_mtime for p in killed.glob("*/status.json")), default=0.0) < begun:
            if process.poll() is not None:
                break
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 1.5))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        strikes += 1
        if process.returncode == 0:  # it was done before the blow
            break
    assert strikes > 2, "premise: it was killed several times"
    process = start([*typed, "study=killed"])
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert trials(killed) == trials(alone)
    for path in alone.glob("*/result.json"):
        if json.loads(path.read_text())["status"] == "finished":
            assert bits(killed / path.parent.name) == bits(path.parent)


def test_two_processes_share_a_search(typed, outputs):
    both = [start([*typed, "study=two"]) for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
    assert [int(trial["trial"]) for trial in trials(outputs / "two")] == list(range(1, TRIALS + 1))
    assert {trial["state"] for trial in trials(outputs / "two")} <= {"finished", "pruned"}
    results = [json.loads(path.read_text()) for path in outputs.glob("two/*/result.json")]
    assert all(result["attempts"] == 1 for result in results if result["status"] == "finished")
