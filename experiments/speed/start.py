"""How long each verb takes to be ready, and a run to its first step."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 3
# What a verb imports once it has read its arguments.
MODULES = {
    "train": "poolsweep.training.job", "status": "poolsweep.sweep.status_command", "report": "poolsweep.report.command",
    "poolings": "poolsweep.pooling.catalogue", "check": "poolsweep.pooling.conformance.suite",
    "explain": "poolsweep.explain",
}  # fmt: skip


def start() -> None:
    """Print the seconds of ``poolsweep --help``, of each verb's imports, of its peers', and to a first step."""
    print(f"poolsweep --help               {_median([sys.executable, '-m', 'poolsweep', '--help']):.2f} s")
    for verb, module in MODULES.items():
        print(f"imports of poolsweep {verb:<10}{_median([sys.executable, '-c', f'import {module}']):.2f} s", flush=True)
    peers = "import torch, transformers, pytorch_lightning, datasets; from transformers import BertModel, AutoTokenizer"
    print(f"imports of what train is made of {_median([sys.executable, '-c', peers]):.2f} s (torch, transformers, …)")
    print(f"poolsweep train to its first step {_first_step():.2f} s (icd10 and MiniLM, texts tokenised before)")


def _median(command: list[str]) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _first_step() -> float:
    times = []
    for _ in range(2):  # the first fills the caches
        with tempfile.TemporaryDirectory() as root:
            command = [sys.executable, "-m", "poolsweep", "train", f"output_root={root}"]
            started = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
            while process.poll() is None and not _has_stepped(Path(root)):
                time.sleep(0.02)
            times.append(time.perf_counter() - started)
            process.kill()
            process.wait()
    return times[-1]


def _has_stepped(root: Path) -> bool:
    for path in root.glob("*/*/status.json"):
        try:
            return json.loads(path.read_text()).get("step", 0) > 0
        except (OSError, ValueError):
            return False
    return False
