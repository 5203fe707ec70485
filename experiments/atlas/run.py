"""Runs what is missing of the atlas.

    python experiments/atlas/run.py DATA                        # all of it, about 12 hours of two cores
    python experiments/atlas/run.py DATA --only A,F --jobs 2    # some parts, two commands at once
    python experiments/atlas/run.py DATA --dry-run              # prints the commands
    python experiments/atlas/run.py DATA --again                # runs what results/ has, too

DATA is the folder of all sets (sets.py). Runs lie in $POOLSWEEP_OUTPUTS, or outputs/. Ctrl-C stops it; the same command
goes on. Runs that have finished are skipped, and studies whose results are in results/scores.csv. Each command gets one
thread. $POOLSWEEP_OUTPUTS/atlas-time.csv has a line for each command that made a run: its wall time, and the CPU time
of its runs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import runpy
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from collect import TIME, read
from parts import PARTS, Step, steps
from sets import HERE, differences

OUTPUTS = Path(os.environ.get("POOLSWEEP_OUTPUTS", "outputs")).absolute()
DOCUMENTS = OUTPUTS / ".atlas-documents"
TIMES = OUTPUTS / "atlas-time.csv"
_lock = Lock()


def write_documents(data: Path) -> None:
    """Long documents of news texts, as experiments/documents joins them; once."""
    if (DOCUMENTS / "mixed-test.csv").is_file():
        return
    DOCUMENTS.mkdir(parents=True, exist_ok=True)
    files_of = runpy.run_path(str(HERE.parent / "documents" / "documents.py"))["files_of"]
    files_of("mixed", {split: data / "ag_news_10k" / f"{split}.csv" for split in ("train", "test")}, DOCUMENTS)


def results(study: str) -> dict[str, float]:
    """Run id → CPU seconds, of the runs of a study that have finished."""
    found = {path.parent.name: json.loads(path.read_text()) for path in (OUTPUTS / study).glob("*/result.json")}
    return {run: result["cpu_seconds"] for run, result in found.items() if result["status"] == "finished"}


def make(step: Step, data: Path) -> bool:
    """Run a command; whether it went well."""
    before, began = results(step.study), time.monotonic()
    OUTPUTS.mkdir(parents=True, exist_ok=True)
    with (OUTPUTS / "atlas.log").open("a") as log:
        command = [sys.executable, "-m", "poolsweep", *step.command(data, documents=DOCUMENTS)]
        status = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
    wall = time.monotonic() - began
    made = {run: seconds for run, seconds in results(step.study).items() if run not in before}
    print(
        f"{step.part}  {step.study}  {len(made)} runs  {wall:.0f} s" + (f"  status {status}" * bool(status)), flush=True
    )
    if made:
        with _lock:
            record(step, len(made), wall, sum(made.values()))
    return status == 0


def record(step: Step, runs: int, wall: float, cpu: float) -> None:
    """Add a line to the times."""
    is_new = not TIMES.exists()
    with TIMES.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(TIME)
        writer.writerow([step.part, step.study, runs, round(wall, 1), round(cpu, 1)])


def main() -> int:
    """Run all parts, or those that are named; the exit status is 1 if a command failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of all sets")
    parser.add_argument("--only", metavar="PARTS", help="; ".join(f"{part}: {what}" for part, what in PARTS.items()))
    parser.add_argument("--jobs", type=int, default=1, help="commands at once (default: 1)")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, and run nothing")
    parser.add_argument("--again", action="store_true", help="also what is in results/ already")
    given = parser.parse_args()
    parts = list(PARTS) if given.only is None else given.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    data = given.data.absolute()
    done = set() if given.again else {line["study"] for line in read("scores.csv")}
    chosen = [step for step in steps() if step.part in parts and step.study not in done]
    if given.dry_run:
        for step in chosen:
            print(shlex.join(["poolsweep", *step.command(data, documents=DOCUMENTS)]))
        return 0
    if wrong := differences(data):
        parser.error("; ".join(wrong))
    if "D" in parts:
        write_documents(data)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ThreadPoolExecutor(given.jobs) as pool:
        went_well = list(pool.map(lambda step: make(step, data), chosen))
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    sys.exit(main())
