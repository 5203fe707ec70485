"""Writes a csv file with the same rows, all of one label first: the order that breaks unshuffled training.

python experiments/order/make_sorted.py ade/train.csv sorted/train.csv
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    with source.open(newline="") as file:
        reader = csv.DictReader(file)
        rows = sorted(reader, key=lambda row: row["label"], reverse=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} rows, first {rows[0]['label']}, last {rows[-1]['label']}")
