"""Two runs at once under real signals: Ctrl-C saves both, and workers do not outlive their sweep."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def typed(tmp_path_factory, write_csv, animal_rows) -> list[str]:
    rows = [(f"{text} {i}", label) for i in range(7) for text, label in animal_rows]
    path = write_csv(tmp_path_factory.mktemp("local") / "rows.csv", rows)
    return [
        sys.executable, "-m", "poolsweep", "train", "-m", "encoder=tiny", "encoder.num_layers=2", "data=files",
        f"data.train={path}", "data.batch_size=8", "data.eval_batch_size=8", "trainer.max_epochs=6",
        "trainer.accelerator=cpu", "trainer.log_every_n_steps=1", "optimizer.lr=1e-3",
        "pooling=masked_mean,cls", "seed=0,1",
    ]  # fmt: skip


LOCAL = ["hydra/launcher=local", "hydra.launcher.runs_at_once=2"]


@pytest.fixture(scope="module")
def alone(typed, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("alone")
    subprocess.run([*typed, f"output_root={root}"], check=True, capture_output=True, env=environment())
    return root / "default"


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def statuses(study: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in study.glob("*/status.json")]


def until(condition, process: subprocess.Popen | None = None) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None
        time.sleep(0.02)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_all_are_saved_and_go_on_with_the_same_bits(signum, typed, alone, outputs, bits):
    """SIGKILL hits the sweep alone: its workers notice, save and leave."""
    study = outputs / "default"
    sweep = subprocess.Popen([*typed, *LOCAL], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    until(lambda: sum(s.get("step", 0) > 5 for s in statuses(study)) == 2, sweep)
    workers = {s["pid"] for s in statuses(study)}
    assert len(workers) == 2, "premise: two at once"
    sweep.send_signal(signum)
    _, err = sweep.communicate(timeout=120)
    assert sweep.returncode == (-signum if signum == signal.SIGKILL else 128 + signum), err
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    assert [s["state"] for s in statuses(study)] == ["interrupted"] * 2
    assert not list(study.glob("*/lock.json"))
    assert len(list(study.glob("*/checkpoints/step-*.ckpt"))) == 2
    done = subprocess.run([*typed, *LOCAL], env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = sorted(path.parent.name for path in study.glob("*/result.json"))
    assert len(found) == 4
    for run_id in found:
        assert bits(study / run_id) == bits(alone / run_id)
    results = [json.loads((study / run_id / "result.json").read_text()) for run_id in found]
    assert sum(result["resumed_at"] is not None for result in results) == 2


def test_features_are_computed_once_for_all_workers(typed, outputs):
    frozen = [o for o in typed if not o.startswith("trainer.max_epochs")]
    done = subprocess.run(
        [*frozen, *LOCAL, "encoder.frozen=true", "trainer.max_epochs=1"],
        env=environment(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((outputs / ".features").glob("tiny-train-*"))) == 1
    phases = [json.loads(path.read_text())["train_seconds"] for path in outputs.glob("default/*/result.json")]
    assert len(phases) == 4
