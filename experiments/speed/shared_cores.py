"""Fine-tuning on cores that others use too, and what spinning less costs on an idle machine."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPEATS = 3
BUSY = 4  # processes that compute without a pause
_SPINNING = {"GOMP_SPINCOUNT": "300000"}  # what libgomp does where nobody says otherwise
_RUN = (
    "pooling=masked_mean", "callbacks=none", "trainer.max_epochs=1", "+trainer.limit_train_batches=40",
    "+trainer.limit_val_batches=5", "+trainer.limit_test_batches=5", "trainer.accelerator=cpu",
)  # fmt: skip


def shared_cores() -> None:
    """Print seconds and CPU seconds of the same fine-tuning: as it is, with sleeping and with spinning threads."""
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    policies = {"poolsweep": {}, "asleep": {"OMP_WAIT_POLICY": "PASSIVE"}, "spinning": _SPINNING}
    for repeat in range(REPEATS):
        for busy in (0, BUSY):
            with _busy_processes(busy):
                for name, variables in policies.items():
                    if busy and variables == _SPINNING and repeat:
                        continue  # minutes each, and once is enough to see it
                    found.setdefault((name, busy), []).append(_fine_tune(variables))
    for (name, busy), times in found.items():
        wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"fine-tuning beside {busy} busy processes, {name:<9}: {wall:6.1f} s, {cpu:6.1f} s of CPU", flush=True)


@contextmanager
def _busy_processes(count: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _fine_tune(variables: dict[str, str]) -> tuple[float, float]:
    """Seconds of the training itself, and CPU seconds of the whole command."""
    unset = {"OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}
    environment = {name: value for name, value in os.environ.items() if name not in unset} | variables
    with tempfile.TemporaryDirectory() as root:
        before = os.times()
        command = [sys.executable, "-m", "poolsweep", "train", *_RUN, f"output_root={root}"]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        after = os.times()
        [path] = Path(root).glob("*/*/result.json")
        wall = json.loads(path.read_text())["train_seconds"]
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu
