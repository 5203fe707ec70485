"""Does a sweep of two processes per run find what a sweep of one process finds?

    python experiments/ddp/compare.py trec6/train.csv trec6/test.csv

Fine-tunes MiniLM for one epoch with four poolings and two seeds, each on one and on two processes with the same
effective batch, then evaluates the weights of each one-process run under two processes. Prints a table and writes
results.csv beside the script. Typed again, it goes on where it was: what is finished is not made again.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev

import torch
from scipy import stats

from poolsweep.cli import main
from poolsweep.report.results import load_results
from poolsweep.runs.folder import RunFolder

HERE = Path(__file__).parent
POOLINGS, SEEDS = ("cls", "pooler", "masked_mean", "last4_concat"), (0, 1)
METRICS = ("test/accuracy", "test/f1_macro", "test/loss")
STUDY = "ddp"


def first_rows(source: Path, target: Path, *, rows: int) -> Path:
    """Copy a random subset of a csv file."""
    with source.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        names, found = reader.fieldnames or [], list(reader)
    order = torch.randperm(len(found), generator=torch.Generator().manual_seed(0))[:rows].tolist()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(found[i] for i in order)
    return target


def sweep(train: Path, test: Path, *, outputs: Path) -> list[dict]:
    """Train what is missing; the results of all."""
    status = main(
        ["train", "-m", "data=files", f"data.train={train}", f"data.test={test}", f"pooling={','.join(POOLINGS)}",
         f"seed={','.join(map(str, SEEDS))}", "trainer.devices=1,2", "trainer.strategy=ddp", "trainer.accelerator=cpu",
         "data.batch_size=32", "data.effective_batch_size=32", "trainer.max_epochs=1", "callbacks=none",
         f"study={STUDY}", f"output_root={outputs}"]
    )  # fmt: skip
    if status:
        sys.exit(status)
    return load_results(outputs / STUDY)


def evaluated_alike(run: RunFolder, *, outputs: Path) -> bool:
    """Whether two processes find the metrics and predictions of a one-process run with its weights, to the bit."""
    again = RunFolder(outputs / f"{STUDY}-evaluated" / run.path.name)
    metrics = again.path / "metrics.json"
    if not metrics.exists():
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
        subprocess.run([*command, str(HERE / "evaluate.py"), str(run.path), str(again.path)], check=True)
    found = json.loads(metrics.read_text())
    same = [run.predictions(s).read_bytes() == again.predictions(s).read_bytes() for s in ("validation", "test")]
    return found == json.loads(run.result.read_text())["metrics"] and all(same)


def table(results: list[dict], *, outputs: Path) -> list[dict[str, object]]:
    """One row per run."""
    rows = []
    for result in sorted(results, key=lambda r: (POOLINGS.index(r["pooling"]), r["seed"], r["hardware"]["devices"])):
        processes, alike = result["hardware"]["devices"], ""
        if processes == 1:
            folder = RunFolder(outputs / STUDY / result["run_id"])
            alike = "identical" if evaluated_alike(folder, outputs=outputs) else "DIFFERS"
        rows.append(
            {"pooling": result["pooling"], "seed": result["seed"], "processes": processes}
            | {name: round(result["metrics"][name], 4) for name in METRICS}
            | {"steps": result["steps"], "evaluated under two": alike}
        )
    return rows


def markdown(rows: list[dict[str, object]]) -> str:
    """The rows as a table."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def summary(rows: list[dict]) -> str:
    """Two processes less one, paired by pooling and seed, with the t interval of its mean; and seed noise beside it."""
    lines = []
    for name in METRICS:
        of = {(row["pooling"], row["seed"], row["processes"]): float(row[name]) for row in rows}
        differences = [of[p, s, 2] - of[p, s, 1] for p in POOLINGS for s in SEEDS]
        seeds = [of[p, SEEDS[1], n] - of[p, SEEDS[0], n] for p in POOLINGS for n in (1, 2)]
        half = stats.t.ppf(0.975, len(differences) - 1) * stdev(differences) / math.sqrt(len(differences))
        lines.append(
            f"{name}: two less one {mean(differences):+.4f}, 95% interval [{mean(differences) - half:+.4f}, "
            f"{mean(differences) + half:+.4f}]; root mean square of it {_size(differences):.4f}, "
            f"of one seed less the other {_size(seeds):.4f}"
        )
    return "\n".join(lines)


def _size(values: list[float]) -> float:
    return math.sqrt(mean(value**2 for value in values))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--rows", type=int, help="a try: so many rows of each file, and no results.csv")
    parser.add_argument("--outputs", type=Path, default=Path("outputs"))
    given = parser.parse_args()
    outputs, files = given.outputs.absolute(), [given.train.absolute(), given.test.absolute()]
    if given.rows is not None:
        outputs = outputs / f"{STUDY}-{given.rows}-rows"
        files = [first_rows(path, outputs / "data" / path.name, rows=given.rows) for path in files]
    found = table(sweep(*files, outputs=outputs), outputs=outputs)
    print(markdown(found), summary(found), sep="\n\n")
    if given.rows is None:
        with (HERE / "results.csv").open("w", newline="", encoding="utf-8") as target:
            writer = csv.DictWriter(target, found[0].keys())
            writer.writeheader()
            writer.writerows(found)
    if any(row["evaluated under two"] == "DIFFERS" for row in found):
        sys.exit("two processes evaluate the same weights otherwise than one")
