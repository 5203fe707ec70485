"""The four poolings of the README on real data, exported to every format: each export ends with its proof.

    python experiments/export/mission.py trec6=FOLDER ade=FOLDER results.csv

A folder has train.csv and test.csv. A data set's four poolings are trained once, as frozen probes over MiniLM.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from poolsweep.cli import main
from poolsweep.report.results import load_results

POOLINGS = ("cls", "pooler", "masked_mean", "last4_concat")
FORMATS = ("torch", "transformers", "sentence-transformers", "onnx")


def trained(name: str, folder: Path, root: Path) -> dict[str, Path]:
    """Pooling → folder of its run."""
    splits = [f"data.{split}={folder / split}.csv" for split in ("train", "test")]
    typed = ["encoder=minilm", "encoder.frozen=true", "trainer=probe", f"pooling={','.join(POOLINGS)}", "seed=0"]
    assert main(["train", "-m", "data=files", *splits, *typed, f"output_root={root}", f"study={name}"]) == 0
    return {result["pooling"]: root / name / result["run_id"] for result in load_results(root / name)}


def exported(run: Path, to: str, output: Path) -> list[str]:
    """The lines of the proof."""
    command = [sys.executable, "-m", "poolsweep", "export", str(run), "--to", to, "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[1:] if done.returncode == 0 else ["REFUSED", done.stderr.strip()]


def run(data: dict[str, Path], results: Path) -> None:
    """Export every pooling of every data set to every format."""
    with tempfile.TemporaryDirectory() as name, results.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["data", "pooling", "format", "proof", "recorded", "seconds"])
        for data_name, folder in data.items():
            for pooling, path in trained(data_name, folder, Path(name)).items():
                for to in FORMATS:
                    started = time.monotonic()
                    lines = exported(path, to, Path(name) / f"{data_name}-{pooling}-{to}")
                    seconds = round(time.monotonic() - started)
                    writer.writerow([data_name, pooling, to, *lines[:2], seconds])
                    file.flush()
                    print(data_name, pooling, to, lines[0])


if __name__ == "__main__":
    *given, target = sys.argv[1:]
    run({name: Path(folder).absolute() for name, _, folder in (one.partition("=") for one in given)}, Path(target))
