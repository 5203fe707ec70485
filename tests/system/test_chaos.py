"""Sweeps that are killed, asked to leave, run out of disk or run twice at once, and end as if nothing had happened.

The moments are drawn from a seed: POOLSWEEP_CHAOS_SEED replays another.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("POOLSWEEP_CHAOS_SEED", "0"))
FILES = ("result.json", "predictions-test.parquet", "predictions-validation.parquet", "checkpoints/best.safetensors")


@pytest.fixture(scope="module")
def rows(tmp_path_factory, write_csv, animal_rows) -> Path:
    """441 rows, so that a run has some hundred steps."""
    return write_csv(
        tmp_path_factory.mktemp("chaos") / "rows.csv",
        [(f"{text} {i}", label) for i in range(7) for text, label in animal_rows],
    )


def command(rows: Path, *, seeds: int, study: str) -> list[str]:
    """A sweep over two poolings and some seeds, fine-tuning a tiny encoder."""
    return [
        sys.executable, "-m", "poolsweep", "train", "-m", "encoder=tiny", "encoder.num_layers=2", "data=files",
        f"data.train={rows}", "data.batch_size=8", "data.eval_batch_size=8", "trainer.max_epochs=2",
        "trainer.accelerator=cpu", "trainer.val_check_interval=0.5", "trainer.log_every_n_steps=1", "optimizer.lr=1e-3",
        "checkpoint.every_steps=5", "pooling=masked_mean,cls", f"seed={','.join(map(str, range(seeds)))}",
        f"study={study}",
    ]  # fmt: skip


def start(typed: list[str], **options) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(
        typed, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options
    )


def finish(typed: list[str]) -> None:
    process = start(typed)
    _, err = process.communicate(timeout=900)
    assert process.returncode == 0, err


@pytest.fixture(scope="module")
def alone(rows, tmp_path_factory) -> Path:
    """The same sweep, left alone: its study's folder."""
    root = tmp_path_factory.mktemp("alone")
    finish([*command(rows, seeds=6, study="alone"), f"output_root={root}"])
    return root / "alone"


@pytest.fixture
def same_as_alone(alone, bits) -> Callable[[Path], None]:
    def compare(study: Path) -> None:
        found = sorted(path.parent.name for path in study.glob("*/result.json"))
        assert found
        for run_id in found:
            assert bits(study / run_id) == bits(alone / run_id), run_id
            assert [path.name for path in (study / run_id / "checkpoints").iterdir()] == ["best.safetensors"]
            assert not (study / run_id / "lock.json").exists()

    return compare


def finished(study: Path) -> dict[str, tuple[bytes, ...]]:
    """What the finished runs hold at present, with the times of writing: a run that is run twice differs."""
    found = {}
    for path in study.glob("*/result.json"):
        if json.loads(path.read_text())["status"] == "finished":
            files = [path.parent / name for name in FILES]
            found[path.parent.name] = tuple(f.read_bytes() + str(f.stat().st_mtime_ns).encode() for f in files)
    return found


def activity(study: Path) -> float:
    return max((path.stat().st_mtime for path in study.glob("*/status.json")), default=0.0)


def moments(count: int, *, longest: float) -> Iterator[tuple[bool, float]]:
    """Whether to wait for training to begin, and how many seconds after that, or after the start, to strike."""
    generator = random.Random(SEED)
    for _ in range(count):
        in_training = generator.random() < 0.85
        yield in_training, generator.uniform(0, longest if in_training else 6)


def strike(process: subprocess.Popen, study: Path, signum: int, *, in_training: bool, seconds: float) -> None:
    begun, deadline = time.time(), time.monotonic() + 300
    while in_training and activity(study) < begun and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(seconds)
    process.send_signal(signum)
    process.communicate(timeout=120)


def test_sigkill_at_20_moments(rows, outputs, same_as_alone):
    typed, study, seen = command(rows, seeds=6, study="killed"), outputs / "killed", {}
    for in_training, seconds in moments(20, longest=1.0):
        process = start(typed)
        strike(process, study, signal.SIGKILL, in_training=in_training, seconds=seconds)
        assert process.returncode == -signal.SIGKILL, "premise: it was still running"
        now = finished(study)
        assert {run_id: now[run_id] for run_id in seen} == seen, "what has finished is not run again"
        seen = now
    finish(typed)
    now = finished(study)
    assert {run_id: now[run_id] for run_id in seen} == seen
    assert len(now) == 12
    same_as_alone(study)
    results = [json.loads(path.read_text()) for path in study.glob("*/result.json")]
    assert sum(result["attempts"] for result in results) > 12, "premise: some runs were interrupted"
    assert any(result["resumed_at"] for result in results), "premise: some went on from a checkpoint"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_leave(signum, rows, outputs, same_as_alone):
    typed, study = command(rows, seeds=2, study="asked"), outputs / "asked"
    statuses = []
    for _, seconds in moments(5, longest=0.5):
        process = start(typed)
        strike(process, study, signum, in_training=True, seconds=min(seconds, 0.5))
        statuses.append(process.returncode)
        assert not list(study.glob("*/lock.json"))
    assert statuses == [128 + signum] * 5
    finish(typed)
    assert len(finished(study)) == 4
    same_as_alone(study)


def test_a_second_ctrl_c_leaves_at_once(rows, outputs):
    typed = [*command(rows, seeds=1, study="twice"), "trainer.max_epochs=500"]
    process = start(typed)
    while not list((outputs / "twice").glob("*/checkpoints/step*")):
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGSTOP)  # so that both arrive within one step
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGTERM)
    os.kill(process.pid, signal.SIGCONT)
    process.communicate(timeout=60)
    assert process.returncode in {128 + signal.SIGINT, 128 + signal.SIGTERM}
    assert list((outputs / "twice").glob("*/lock.json")), "premise: it did not tidy up"


def test_two_processes_on_one_study(rows, outputs, same_as_alone):
    typed, study = command(rows, seeds=3, study="two"), outputs / "two"
    both = [start(typed) for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=900)
        assert process.returncode == 0, err
    results = [json.loads(path.read_text()) for path in study.glob("*/result.json")]
    assert [result["attempts"] for result in results] == [1] * 6, "none was run twice"
    same_as_alone(study)


def test_a_process_dies_while_another_waits_for_it(rows, outputs, same_as_alone):
    typed, study = command(rows, seeds=1, study="widow"), outputs / "widow"
    first = start(typed)
    while not list(study.glob("*/checkpoints/step*")):
        assert first.poll() is None
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGSTOP)  # it lives, and works on the first run
    second = start(typed)
    while len(finished(study)) < 1:
        assert second.poll() is None
        time.sleep(0.05)
    first.kill()
    first.communicate()
    _, err = second.communicate(timeout=300)
    assert second.returncode == 0, err
    assert "waiting for 1 runs of process" in err or "2/2" in err
    assert len(finished(study)) == 2
    same_as_alone(study)


@pytest.mark.parametrize(("room", "status"), [(150_000, 0), (40_000, 1)])
def test_no_room_for_files(room, status, rows, outputs, same_as_alone):
    """Files may not grow beyond a limit: too little for checkpoints, or for the best weights too."""
    typed, study = command(rows, seeds=1, study="full"), outputs / "full"
    process = start(typed, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY)))
    _, err = process.communicate(timeout=300)
    assert process.returncode == status, err
    logs = "".join(path.read_text() for path in study.glob("*/run.log"))
    if status:
        assert finished(study) == {}
        states = [json.loads(path.read_text()) for path in study.glob("*/status.json")]
        assert {(state["state"], state["kind"]) for state in states} == {("failed", "disk_full")}
        finish(typed)
    else:
        assert "no checkpoint could be written" in logs
    assert len(finished(study)) == 2
    same_as_alone(study)
