"""The main job as a newcomer types it: the embedded model and data, in processes of their own."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def poolsweep(*arguments: str, folder, outputs) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "POOLSWEEP_OUTPUTS": str(outputs), "HF_HUB_OFFLINE": "1", "COLUMNS": "100"}
    command = [sys.executable, "-m", "poolsweep", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)


def test_demo_ranks_last4_concat_above_cls_and_skips_what_is_finished(tmp_path):
    outputs = tmp_path / "outputs"
    typed = ("train", "-m", "experiment=demo", "pooling=cls,last4_concat")
    first = poolsweep(*typed, folder=tmp_path, outputs=outputs)
    assert first.returncode == 0, first.stderr
    assert first.stderr.count("finished") == 10, "a line per finished run"
    assert "\x1b" not in first.stdout + first.stderr, "no control codes without a terminal"
    with (outputs / "demo" / "leaderboard.csv").open() as file:
        best, last = csv.DictReader(file)
    assert (best["pooling"], last["pooling"]) == ("last4_concat", "cls")
    assert float(best["difference_ci95_low"]) > 0
    assert "Seeds are bootstrap samples of the training rows" in first.stdout
    results = sorted((outputs / "demo").glob("*/result.json"))
    before = {path: path.read_bytes() for path in results}
    assert len(before) == 10
    assert all(json.loads(content)["sizes"] == {"train": 9613, "validation": 1196, "test": 1200}
               for content in before.values())  # fmt: skip
    again = poolsweep(*typed, folder=tmp_path, outputs=outputs)
    assert again.returncode == 0
    assert "10 finished before" in again.stderr
    assert {path: path.read_bytes() for path in results} == before, "nothing was written over"
