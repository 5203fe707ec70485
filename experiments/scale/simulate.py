"""Drives a study of a thousand runs through a simulated Slurm: submission, requeues, failures, and typing it again.

python experiments/scale/simulate.py [RUNS] [SLOTS]
"""

from __future__ import annotations

import csv
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from cluster import Cluster, on_path

from poolsweep.cli import main
from poolsweep.launch.cluster.lost import follow
from poolsweep.runs.folder import RunFolder
from poolsweep.sweep.status import study_status

FATE = {"requeued": 0.05, "failed": 0.02, "lost": 0.02}
POLL_SECONDS = 2
SECONDS_PER_RUN = 0.3  # of the whole study: so that it still runs when the command has been typed again


def measure(runs: int, slots: int, folder: Path) -> dict[str, float]:
    """Submit, wait, type again; gives what it took."""
    rows = folder / "rows.csv"
    with rows.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *((f"text {i}", "ab"[i % 2]) for i in range(200))])
    os.environ["POOLSWEEP_OUTPUTS"] = str(folder / "outputs")
    study = folder / "outputs" / "scale"
    typed = [
        "train", "-m", "hydra/launcher=slurm", f"hydra.launcher.poll_seconds={POLL_SECONDS}", "encoder=tiny",
        "data=files", f"data.train={rows}", "trainer.accelerator=cpu", f"seed=range(0,{runs})", "study=scale",
    ]  # fmt: skip
    found: dict[str, float] = {}

    def timed(name: str, *arguments: str) -> int:
        begun, cpu = time.perf_counter(), time.process_time()
        status = main([*arguments])
        found[f"{name}: seconds"] = round(time.perf_counter() - begun, 1)
        found[f"{name}: seconds of CPU"] = round(time.process_time() - cpu, 1)
        return status

    on_path(folder / "bin")
    with Cluster(folder / "bin", slots=slots, seconds=SECONDS_PER_RUN * slots, fate=FATE) as cluster:
        timed("submit and leave", *typed, "hydra.launcher.wait=false")
        asked = Counter(cluster.calls)
        begun = time.perf_counter()
        shown = study_status(study)
        found["status while it runs: seconds"] = round(time.perf_counter() - begun, 2)
        assert sum(shown.counts.values()) == runs
        assert not timed("typed again while it runs", *typed, "hydra.launcher.wait=false")
        timed("typed again, waiting for the rest", *typed)
        folders = [RunFolder(path.parent) for path in study.glob("*/job.json")]
        begun = time.perf_counter()
        follow(folders)
        found["one look at Slurm and all folders: seconds"] = round(time.perf_counter() - begun, 2)
        first = study_status(study).counts
        found |= {f"after the first pass: {state}": count for state, count in first.items() if count}
        timed("typed again for what failed", *typed)
        found |= {f"in the end: {state}": count for state, count in study_status(study).counts.items() if count}
        found |= {f"jobs: {key}": value for key, value in cluster.peak.items()}
        found["jobs: submitted in all"] = len(cluster.jobs)
        found["jobs: of a run that had one already"] = cluster.twice
        found["jobs: requeued"] = sum(job.restarts for job in cluster.jobs.values())
        found |= {f"commands to submit: {name}": count for name, count in asked.items()}
        found |= {f"commands in all: {name}": count for name, count in cluster.calls.items()}
    files = [path for path in study.rglob("*") if path.is_file()]
    ours = [path for path in files if ".slurm" in path.parts]
    found["files that Slurm and submitit need"] = len(ours)
    found["their KiB per run"] = round(sum(path.stat().st_size for path in ours) / 1024 / runs, 1)
    found["driver: peak MiB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return found


if __name__ == "__main__":
    runs, slots = (int(word) for word in [*sys.argv[1:], "1000", "50"][:2])
    with tempfile.TemporaryDirectory() as folder:
        results = measure(runs, slots, Path(folder))
    with Path(__file__).with_name("results.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("what", "value"), ("runs", runs), ("jobs at a time", slots), *results.items()])
    for name, value in results.items():
        print(f"{name:<48} {value}")
