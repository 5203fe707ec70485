"""How long a report of 300 runs takes, and how large its page is: python experiments/report/measure.py"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "report"))
from studies import PRESETS, write_study

STUDIES = {
    "20 poolings × 15 seeds, 5,000 test texts, 6 labels": {"seeds": range(15), "num_texts": 5000, "labels": 6},
    "20 poolings × 5 seeds × 3 data sets, 1,200 test texts each, 21 labels": {
        "seeds": range(5), "num_texts": 1200, "labels": 21, "data": ("one", "two", "three"),
    },
}  # fmt: skip


def main() -> None:
    """Report each study in a process of its own, as it is typed."""
    for name, options in STUDIES.items():
        labels = tuple(f"label {i}" for i in range(options.pop("labels")))
        with tempfile.TemporaryDirectory() as root:
            study = write_study(Path(root) / "study", poolings=PRESETS, labels=labels, **options)
            command = [sys.executable, "-m", "poolsweep", "report", str(study)]
            started, before = time.perf_counter(), os.times()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            wall, after = time.perf_counter() - started, os.times()
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            size = (study / "report" / "report.html").stat().st_size
            print(f"{name}: {wall:.1f} s, {cpu:.1f} s of CPU, page {size / 1e6:.2f} MB", flush=True)


if __name__ == "__main__":
    main()
