"""How long reports take, how much memory, and how large a page is: python experiments/report/measure.py"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))
from studies import PRESETS, write_study

from poolsweep.runs.records import fingerprints, write_result

STUDIES = {
    "20 poolings × 15 seeds, 5,000 test texts, 6 labels": {"seeds": range(15), "num_texts": 5000, "labels": 6},
    "20 poolings × 5 seeds × 3 data sets, 1,200 test texts each, 21 labels": {
        "seeds": range(5), "num_texts": 1200, "labels": 21, "data": ("one", "two", "three"),
    },
    "20 poolings × 100 seeds, 1,000 test texts, 6 labels": {"seeds": range(100), "num_texts": 1000, "labels": 6},
}  # fmt: skip


def main() -> None:
    """Report each study in a process of its own, as it is typed."""
    for name, options in STUDIES.items():
        labels = tuple(f"label {i}" for i in range(options.pop("labels")))
        with tempfile.TemporaryDirectory() as root:
            study = write_study(Path(root) / "study", poolings=PRESETS, labels=labels, **options)
            vouch(study)
            cpu, wall, peak = report(study)
            size = (study / "report" / "report.html").stat().st_size / 1e6
            print(f"{name}: {wall:.1f} s, {cpu:.1f} s of CPU, peak {peak:.0f} MiB, page {size:.2f} MB", flush=True)


def vouch(study: Path) -> None:
    """Record the checksums of every run's files, as training does, so that reading checks them."""
    for folder in study.iterdir():
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        write_result(folder, result | {"files": fingerprints(folder)})


def report(study: Path) -> tuple[float, float, float]:
    """CPU seconds, seconds and peak MiB of one report."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "poolsweep", "report", str(study)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the report of {study} ended with status {process.returncode}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
