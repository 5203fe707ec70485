"""How long whole commands take, beside the imports that training cannot do without, in the same run."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

REPEATS = 5
POOLSWEEP = (sys.executable, "-P", "-m", "poolsweep")
FLOOR = (sys.executable, "-c", "import torch, transformers, pytorch_lightning")
TEN = [f"Fracture of left wrist number {i}" for i in range(10)]
# What was aimed at: times the floor, or seconds.
GOALS = {
    "a probe": "≤ 1.0 of the floor", "fine-tuning to its first step": "≤ 1.4 of the floor",
    "predict, 10 lines": "≤ 3 s", "status": "≤ 1 s", "report": "≤ 1 s", "poolings": "≤ 1 s",
}  # fmt: skip


def start() -> None:
    """Print the seconds of each command and its share of the floor's: medians of interleaved repeats, least, greatest.

    A probe and fine-tuning are runs of the demo's data that are new; the study of the other commands is the demo's 45.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "ten.csv").write_text("\n".join(["text", *TEN]), encoding="utf-8")
        print("start: runs the demo's sweep first, for a study to look at", flush=True)
        typed = ["train", "-m", "experiment=demo", f"output_root={root}"]
        _whole(typed, root)
        commands = _commands(root, typed)
        found: dict[str, list[float]] = {name: [] for name in commands}
        for repeat in range(1 + REPEATS):  # the first fills caches
            for name, command in commands.items():
                took = command()
                if repeat:
                    found[name].append(took)
    floor = found["imports: the floor"]
    for name, times in found.items():
        ratios = [one / other for one, other in zip(times, floor, strict=True)]
        goal = f", aim {GOALS[name]}" if name in GOALS else ""
        print(f"{name:<32}{_spread(times)} s, {_spread(ratios)} of the floor{goal}", flush=True)


def _commands(root: Path, typed: list[str]) -> dict[str, Callable[[], float]]:
    """Name → does the work anew and returns its seconds."""
    run = min(path.parent for path in (root / "demo").glob("*/result.json"))
    fresh = ["train", "experiment=demo", "pooling=cls", f"output_root={root}", "study=fresh"]
    fine = ["train", "data=icd10", "encoder=minilm", "pooling=cls", f"output_root={root}", "study=fresh"]
    return {
        "imports: the floor": lambda: _seconds(FLOOR, root),
        "--help": lambda: _whole(["--help"], root),
        "status": lambda: _whole(["status", "demo"], root),
        "poolings": lambda: _whole(["poolings"], root),
        "report": lambda: _whole(["report", "demo"], root),
        "predict, 10 lines": lambda: _whole(["predict", str(run), "--input", str(root / "ten.csv")], root),
        "a probe": lambda: _whole(fresh, root),
        "the demo's sweep, typed again": lambda: _whole(typed, root),
        "fine-tuning to its first step": lambda: _seconds((*POOLSWEEP, *fine), root, until=_has_stepped),
    }


def _whole(typed: Sequence[str], root: Path) -> float:
    return _seconds((*POOLSWEEP, *typed), root)


def _seconds(command: Sequence[str], root: Path, *, until: Callable[[Path], bool] | None = None) -> float:
    """Seconds of a process by the chosen clock; without what was left of the run before it.

    Args:
        command: What is run.
        root: Where studies lie.
        until: Says of the study ``fresh`` that the process has done what is measured; None = it ends by itself.
    """
    shutil.rmtree(root / "fresh", ignore_errors=True)
    environment = {**os.environ, "POOLSWEEP_OUTPUTS": str(root), "POOLSWEEP_CACHE": str(root / ".cache")}
    used, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd=root)
    while until is not None and process.poll() is None and not until(root / "fresh"):
        time.sleep(0.02)
    if until is not None:
        process.send_signal(signal.SIGKILL)
    status, took = process.wait(), time.perf_counter() - started
    if status not in (0, -signal.SIGKILL if until else 0):
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if os.environ.get("BENCH_CLOCK") == "cpu":
        return after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return took


def _has_stepped(study: Path) -> bool:
    for path in study.glob("*/status.json"):
        try:
            return json.loads(path.read_text()).get("step", 0) > 0
        except (OSError, ValueError):
            return False
    return False


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):5.2f} ({min(values):.2f} to {max(values):.2f})"
