"""Races twelve poolings of a frozen MiniLM, then runs the rest of the grid, and says whether the verdict is the same.

    python experiments/race/compare.py experiments/race/results.csv files/train.csv files/test.csv

Three races, each over five seeds of its own. The grid is run in the race's study, so it takes the race's runs over.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

POOLINGS = (
    "cls", "pooler", "masked_mean", "max", "last4_concat", "cls_last4_concat", "last4_mean", "cls_last4_mean",
    "second_to_last_mean", "first_last_mean", "sgpt", "cls_second_to_last",
)  # fmt: skip
MASTERS = (0, 100, 200)
NUM_SEEDS = 5
COLUMNS = (
    "seeds", "grid_runs", "race_runs", "saved", "same_leading_set", "grid_leading", "race_leading", "dropped_after_2",
    "dropped_after_3", "dropped_after_4",
)  # fmt: skip


def sweep(kind: str, study: str, seeds: range, train: Path, test: Path) -> list[dict[str, str]]:
    """Run a sweep to its end; returns the rows of its leaderboard."""
    command = [
        sys.executable, "-m", "poolsweep", "train", "-m", f"sweep={kind}", "data=files", f"data.train={train}",
        f"data.test={test}", "encoder=minilm", "encoder.frozen=true", "trainer=probe", f"study={study}",
        f"pooling={','.join(POOLINGS)}", f"seed={','.join(map(str, seeds))}",
    ]  # fmt: skip
    subprocess.run(command, check=True)
    return leaderboard(_study(study) / "leaderboard.csv")


def leaderboard(path: Path) -> list[dict[str, str]]:
    """The rows of a leaderboard.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def line(seeds: range, raced: list[dict[str, str]], race: Path, grid: list[dict[str, str]]) -> dict[str, str]:
    """One race against its grid.

    Args:
        seeds: Of both.
        raced: Leaderboard of the race.
        race: Its race.json.
        grid: Leaderboard of the grid.
    """
    runs, full = (sum(len(row["seeds"].split()) for row in rows) for rows in (raced, grid))
    leading = [sorted(row["pooling"] for row in rows if row["tied_with_best"] == "yes") for rows in (grid, raced)]
    [record] = json.loads(race.read_text(encoding="utf-8"))["races"]
    dropped = {done: [one["pooling"] for one in record["dropped"] if one["seeds"] == done] for done in (2, 3, 4)}
    return {
        "seeds": f"{seeds[0]}-{seeds[-1]}", "grid_runs": str(full), "race_runs": str(runs),
        "saved": f"{1 - runs / full:.3f}", "same_leading_set": "yes" if leading[0] == leading[1] else "no",
        "grid_leading": " ".join(leading[0]), "race_leading": " ".join(leading[1]),
    } | {f"dropped_after_{done}": " ".join(names) for done, names in dropped.items()}  # fmt: skip


def write(out: Path, lines: list[dict[str, str]]) -> None:
    """Write the table."""
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def _study(name: str) -> Path:
    return Path(os.environ.get("POOLSWEEP_OUTPUTS", "outputs")) / name


def main() -> None:
    """Race, run the grid, write one line, for each master seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    given = parser.parse_args()
    lines = []
    for master in MASTERS:
        seeds, study = range(master, master + NUM_SEEDS), f"race-{master}"
        raced = sweep("race", study, seeds, given.train, given.test)
        record = _study(study) / "race.json"
        grid = sweep("grid", study, seeds, given.train, given.test)
        lines.append(line(seeds, raced, record, grid))
        write(given.out, lines)
        print(lines[-1])


if __name__ == "__main__":
    main()
