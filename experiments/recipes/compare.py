"""Does a recipe of fine-tuning pay on few rows? Each against its absence, over five seeds of other rows.

    python experiments/recipes/compare.py trec6/train.csv trec6/test.csv [CONDITION …]

300 of the training rows, drawn anew by each seed; all-MiniLM-L6-v2, mean of its tokens. Every run goes to its last
epoch, with one validation at its end, so that nothing is selected. Intervals are those of `poolsweep report`: seeds and
test texts.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from poolsweep.cli import main
from poolsweep.statistics import Scores, difference, mean_score

OUTPUTS = Path("outputs")
SEEDS = range(5)
SHARED = [
    "encoder=minilm", "pooling=masked_mean", "data=files", "data.train_rows=300", "callbacks=none",
    f"seed={','.join(map(str, SEEDS))}", "+trainer.limit_val_batches=1",
]  # fmt: skip
ABSENCE = "recipe=none"  # 3 epochs at 5e-5 and 5e-4, batches of 32
# Overrides, and the epochs that they mean.
CONDITIONS = {
    ABSENCE: 3,
    "recipe=lp_ft": 3,
    "recipe=bert": 3,
    "optimizer.layer_decay=0.9": 3,
    "init=probe": 3,
    "encoder.train=top:2": 3,
    "encoder.train=norms_and_biases": 3,
    "encoder.unfreeze_every=0.3": 3,
    "encoder.reinitialise_top=1": 3,
    "recipe=sun": 4,
    "r_drop=1": 3,
    "recipe=mosbach": 20,
    "recipe=lora": 3,
}


def train(condition: str, data: list[str]) -> None:
    """Train all seeds of a condition; those that have finished are skipped."""
    once = [f"+trainer.check_val_every_n_epoch={CONDITIONS[condition]}", f"output_root={OUTPUTS}"]
    if status := main(["train", "-m", *SHARED, *data, condition, *once, f"study={study(condition)}"]):
        sys.exit(status)


def study(name: str) -> str:
    """Folder of a condition's runs."""
    return "recipes-" + "-".join("".join(c if c.isalnum() else " " for c in name).split())


def scores(name: str) -> tuple[Scores, float]:
    """Whether each test text is right, by seed, and the seconds of a run."""
    table, seeds, seconds, rows = [], [], [], np.zeros(0)
    for path in sorted((OUTPUTS / study(name)).glob("*/result.json")):
        result = json.loads(path.read_text())
        found = pq.read_table(path.parent / "predictions-test.parquet", columns=["row_id", "label", "predicted"])
        rows = found["row_id"].to_numpy()
        table.append(found["label"].to_numpy() == found["predicted"].to_numpy())
        seeds.append(result["seed"])
        seconds.append(result["cpu_seconds"])
    return Scores(np.array(table, dtype=float), seeds=tuple(seeds), row_ids=rows), float(np.median(seconds))


def row(condition: str) -> dict[str, object]:
    """A line of the table: accuracy, and the difference to the absence, in per cent."""
    found, seconds = scores(condition)
    mean = mean_score(found).estimate
    line: dict[str, object] = {
        "condition": condition, "seeds": len(found.seeds), "accuracy": round(100 * mean.value, 2),
        "low": round(100 * mean.low, 2), "high": round(100 * mean.high, 2), "difference": "", "difference_low": "",
        "difference_high": "", "p": "", "cpu_seconds": round(seconds, 1),
    }  # fmt: skip
    if condition != ABSENCE:
        gap = difference(found, scores(ABSENCE)[0]).estimate
        line |= {"difference": round(100 * gap.value, 2), "difference_low": round(100 * gap.low, 2)}
        line |= {"difference_high": round(100 * gap.high, 2), "p": round(gap.p_value, 4)}
    return line


def write(path: Path) -> None:
    """The table of all conditions that are done."""
    done = [name for name in CONDITIONS if len([*(OUTPUTS / study(name)).glob("*/result.json")]) == len(SEEDS)]
    table = [row(name) for name in done]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, table[0].keys())
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    train_file, test_file, *names = sys.argv[1:]
    for wanted in names or CONDITIONS:
        train(wanted, [f"data.train={train_file}", f"data.test={test_file}"])
        write(Path(__file__).parent / "results.csv")
