"""How long a study of many finished runs takes to look at, and to type again: python experiments/resume/measure.py

One run is trained for real; the others are copies of its folder under the seeds, and so the run ids, of their own.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from poolsweep.config import RunConfig
from poolsweep.training.job import folder_of

POOLINGS = ("cls", "masked_mean", "max", "last4_mean", "last4_concat")
TYPED = [
    "encoder=tiny", "data=files", "data.batch_size=16", "trainer.max_epochs=1", "trainer.accelerator=cpu",
    "encoder.frozen=true", "study=many",
]  # fmt: skip


def main() -> None:
    """Measure for each number of runs, and print and write the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results.csv"))
    given = parser.parse_args()
    rows = []
    for runs in given.runs:
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(Path(folder), runs=runs)
    with given.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["runs", "command", "seconds", "cpu_seconds"])
        writer.writerows(rows)


def measure(folder: Path, *, runs: int) -> list[tuple[int, str, float, float]]:
    """Seconds of ``status`` and of the same sweep again."""
    environment = {**os.environ, "POOLSWEEP_OUTPUTS": str(folder / "outputs"), "HF_HUB_OFFLINE": "1"}
    texts = folder / "texts.csv"
    texts.write_text("text,label\n" + "".join(f"{'meow' if i % 2 else 'woof'} {i},{i % 2}\n" for i in range(60)))
    typed = [sys.executable, "-m", "poolsweep", "train", "-m", *TYPED, f"data.train={texts}"]
    seeds = runs // len(POOLINGS)
    subprocess.run(
        [*typed, f"pooling={','.join(POOLINGS)}", "seed=0"], env=environment, check=True, capture_output=True
    )
    for result in list((folder / "outputs" / "many").glob("*/result.json")):
        copies(result.parent, seeds=seeds)
    found = []
    for name, command in (
        ("status", [sys.executable, "-m", "poolsweep", "status", "many"]),
        ("train -m, typed again", [*typed, f"pooling={','.join(POOLINGS)}", f"seed=range(0,{seeds})"]),
    ):
        before, started = _cpu_seconds(), time.perf_counter()
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        seconds, cpu = time.perf_counter() - started, _cpu_seconds() - before
        told = done.stdout + done.stderr
        assert f"{runs} runs" in told, told
        assert f"{runs} finished" in told, told
        print(f"{runs:>5} runs  {name:<24} {seconds:6.1f} s  ({cpu:.1f} s of a core)", flush=True)
        found.append((runs, name, round(seconds, 2), round(cpu, 2)))
    return found


def copies(folder: Path, *, seeds: int) -> None:
    """The folders that the same run would have left under other seeds."""
    content = yaml.safe_load((folder / "config.yaml").read_text())
    result = json.loads((folder / "result.json").read_text())
    for seed in range(1, seeds):
        other = content | {"seed": seed, "init_seed": seed, "data_seed": seed}
        target, identity = folder_of(RunConfig.of(other))
        shutil.copytree(folder, target.path)
        target.config.write_text(yaml.safe_dump(other, sort_keys=False))
        told = result | {"seed": seed, "run_id": identity, "name": result["name"].replace("seed=0", f"seed={seed}")}
        target.result.write_text(json.dumps(told))


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
