"""Files that lines are typed beside, and an independent reading of csv files."""

from __future__ import annotations

import csv
from pathlib import Path

GOOD = ("animals.csv", "other.csv", "tagged[1].csv")


def write_place(folder: Path) -> None:
    """Write the files that a command line may name."""
    folder.mkdir(parents=True)
    rows = [(f"{('meow', 'woof')[i % 2]} {'x' * (i % 7)} {i}", ("cat", "dog")[i % 2]) for i in range(40)]
    for name, some in zip(GOOD, (rows, rows[::-1], rows[4:] + rows[:4]), strict=True):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label"), *some])
    (folder / "empty.csv").touch()
    (folder / "animals.txt").write_text("text,label\na,b\n")


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a csv file by the csv module."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))
