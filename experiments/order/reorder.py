"""Writes a csv file's rows in another order: shuffled, or all of one label first, which breaks unshuffled training.

python experiments/order/reorder.py sorted ade/train.csv sorted/train.csv
python experiments/order/reorder.py shuffled ade/train.csv shuffled/train.csv
"""

from __future__ import annotations

import csv
import itertools
import random
import sys
from pathlib import Path

if __name__ == "__main__":
    order, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    with source.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if order == "sorted":
        rows.sort(key=lambda row: row["label"], reverse=True)
    else:
        random.Random(0).shuffle(rows)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    runs = 1 + sum(a["label"] != b["label"] for a, b in itertools.pairwise(rows))
    print(f"{len(rows)} rows in {runs} runs of equal labels, first {rows[0]['label']}, last {rows[-1]['label']}")
