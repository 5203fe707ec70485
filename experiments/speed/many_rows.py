"""Memory of a run over a hundred thousand and over a million generated rows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROWS = (100_000, 1_000_000)
WORDS = ("fever", "cough", "mild", "acute", "chronic", "left", "right", "upper", "lower", "pain", "of", "the", "knee")


def many_rows() -> None:
    """Print the highest anonymous memory of a run's main process: reading, checking, tokenising, and 20 steps."""
    peaks = []
    with tempfile.TemporaryDirectory() as root:
        for rows in ROWS:
            path = Path(root) / f"{rows}.csv"
            generate(path, rows)
            peak, took = _watched(path, Path(root))
            peaks.append(peak)
            print(f"{rows:>9,} rows: {peak:.0f} MiB of anonymous memory at most, {took:.0f} s", flush=True)
    print(f"ten times the rows: {peaks[1] - peaks[0]:+.0f} MiB, {peaks[1] / peaks[0]:.2f}×")


def generate(path: Path, rows: int) -> None:
    """Write a csv file of texts and labels."""
    with path.open("w") as file:
        file.write("text,label\n")
        for row in range(rows):
            # Every text is another one: rows that repeat would count as leaks between splits.
            words = [WORDS[(row // len(WORDS) ** place) % len(WORDS)] for place in range(5)]
            file.write(f"{' '.join(words)} {row},{'yes' if row % 3 else 'no'}\n")


def _watched(path: Path, root: Path) -> tuple[float, float]:
    command = [
        sys.executable, "-m", "poolsweep", "train", "encoder=tiny", "data=files", f"data.train={path}",
        "trainer.max_epochs=1", "trainer.accelerator=cpu", "+trainer.limit_train_batches=20",
        "+trainer.limit_val_batches=2", "+trainer.limit_test_batches=2", f"output_root={root}",
    ]  # fmt: skip
    environment = os.environ | {"POOLSWEEP_CACHE": str(root / "cache"), "HF_DATASETS_CACHE": str(root / "datasets")}
    started = time.perf_counter()
    with (root / "log").open("w+") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        peak = _peak_of(process)
        if process.returncode:
            log.seek(0)
            raise SystemExit(log.read())
    return peak, time.perf_counter() - started


def _peak_of(process: subprocess.Popen[bytes]) -> float:
    """MiB of a process's highest RssAnon, looked at 20 times a second: mapped files are the system's to take back."""
    peak, ended = 0.0, threading.Event()
    watcher = threading.Thread(target=lambda: (process.wait(), ended.set()))
    watcher.start()
    while not ended.wait(0.05):
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            continue
        peak = max([peak, *(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))])
    watcher.join()
    return peak
