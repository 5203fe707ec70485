"""Is memory flat, and does a file survive being killed? A million generated rows through poolsweep predict.

    python experiments/predict/million.py                  # 100,000 rows, then 1,000,000, the last killed three times
    python experiments/predict/million.py --rows 20000     # smaller: a tenth of it, then all of it

Prints the highest resident memory of each whole run, and whether the file of the run that was killed with SIGKILL three
times and typed again is that of the run that was not, byte for byte.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KILLS = 3


def main() -> None:
    """Train a tiny run, predict twice, and once more with interruptions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        run = _trained(root)
        peaks = []
        for count in (rows // 10, rows):
            _write(root / f"{count}.csv", count)
            peak, seconds = _measured(_command(run, root / f"{count}.csv", root / f"{count}-out.csv"))
            peaks.append(peak)
            print(f"{count:>9,} rows: {peak:,.0f} MiB at most, {seconds:.0f} s", flush=True)
        print(f"ten times the rows take {peaks[1] - peaks[0]:+,.0f} MiB", flush=True)
        out = root / "killed.csv"
        for number in range(KILLS):
            at = _killed(_command(run, root / f"{rows}.csv", out), after=(number + 1) * rows // (KILLS + 1), out=out)
            print(f"killed after row {at:,}", flush=True)
        subprocess.run(_command(run, root / f"{rows}.csv", out), check=True)
        same = filecmp.cmp(out, root / f"{rows}-out.csv", shallow=False)
        print("the same file, byte for byte" if same else "the files differ", flush=True)
        sys.exit(not same)


def _command(run: Path, given: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "poolsweep", "predict", str(run), "--input", str(given), "--output", str(out),
            "--device", "cpu"]  # fmt: skip


def _trained(root: Path) -> Path:
    _write(root / "train.csv", 300, label=True)
    overrides = [
        "data=files",
        f"data.train={root / 'train.csv'}",
        "encoder=tiny",
        "encoder.frozen=true",
        "trainer=probe",
    ]
    where = ["pooling=masked_mean", f"output_root={root}", "study=million"]
    subprocess.run(
        [sys.executable, "-m", "poolsweep", "train", *overrides, *where], check=True, stdout=subprocess.DEVNULL
    )
    [run] = [path.parent for path in (root / "million").glob("*/result.json")]
    return run


def _write(path: Path, rows: int, *, label: bool = False) -> None:
    chance = random.Random(rows)
    sounds = ["meow", "woof", "huhu"]
    with path.open("w", encoding="utf-8") as file:
        file.write("id,text,label\n" if label else "id,text\n")
        for i in range(rows):
            sound = chance.randrange(3)
            text = f"{sounds[sound]} {'x ' * chance.randrange(12)}{i}"
            file.write(f"{i},{text},{sounds[sound]}\n" if label else f"{i},{text}\n")


def _measured(command: list[str]) -> tuple[float, float]:
    """Highest resident memory in MiB, and seconds."""
    started = time.monotonic()
    child = os.posix_spawn(command[0], command, dict(os.environ))
    _, status, usage = os.wait4(child, 0)
    assert status == 0, f"it ended with {status}"
    return usage.ru_maxrss / 1024, time.monotonic() - started


def _killed(command: list[str], *, after: int, out: Path) -> int:
    """Kill a command once so many rows are noted; the rows that were."""
    process = subprocess.Popen(command)
    record = out.with_name(f".{out.name}.made-from.json")
    while (rows := json.loads(record.read_text())["rows"] if record.exists() else 0) < after:
        assert process.poll() is None, "premise: it is killed before it ends"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return rows


if __name__ == "__main__":
    main()
