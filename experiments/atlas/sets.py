"""The data sets of the atlas: what they are, what is typed for them, and whether yours are the same files.

    python experiments/atlas/sets.py DATA

DATA holds the files that sets.csv names. The command compares them with the fingerprints (sha256) of those that were
used, says what differs, and ends with status 1 then.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class DataSet:
    """One data set, read in one way: a line of sets.csv.

    Attributes:
        name: Its name in tables; a set of pairs has one for each way of reading them.
        task: What is predicted.
        metric: What ranks.
        options: Further overrides.
        files: Split → file in the folder of all sets; what lacks one is split off the training file.
        rows: Split → number of rows.
        sha256: Split → fingerprint of the file.
    """

    name: str
    task: str
    metric: str
    options: tuple[str, ...]
    files: dict[str, str]
    rows: dict[str, int]
    sha256: dict[str, str]

    def overrides(self, data: Path, *, alone: bool = False) -> list[str]:
        """What is typed to train on it.

        Args:
            data: Folder of all sets.
            alone: Read the training file alone, from which validation and test are split off.
        """
        splits = ["train"] if alone else [split for split in SPLITS if split in self.files]
        named = [f"data.{split}={data / self.files[split]}" for split in splits]
        return ["data=files", f"data.name={self.name}", *named, *self.options]

    def problems(self, data: Path) -> list[str]:
        """How the files in a folder differ from those that were used."""
        found = []
        for split, file in self.files.items():
            path = data / file
            if not path.is_file():
                found.append(f"{self.name}: {path} is missing")
            elif (digest := hashlib.sha256(path.read_bytes()).hexdigest()) != self.sha256[split]:
                found.append(f"{self.name}: {path} has sha256 {digest[:12]}…, was {self.sha256[split][:12]}…")
        return found


@cache
def data_sets() -> dict[str, DataSet]:
    """All sets by name, in the order of sets.csv: the fastest first."""
    with (HERE / "sets.csv").open(newline="", encoding="utf-8") as file:
        return {line["set"]: _data_set(line) for line in csv.DictReader(file)}


def _data_set(line: dict[str, str]) -> DataSet:
    given = [split for split in SPLITS if line[split]]
    return DataSet(
        line["set"], line["task"], line["metric"], tuple(line["options"].split()),
        {split: line[split] for split in given}, {split: int(line[f"{split}_rows"]) for split in given},
        {split: line[f"{split}_sha256"] for split in given},
    )  # fmt: skip


def differences(data: Path) -> list[str]:
    """What differs between the files of a folder and those that were used; empty where nothing does.

    Args:
        data: Folder of all sets.
    """
    return [problem for found in data_sets().values() for problem in found.problems(data)]


if __name__ == "__main__":
    wrong = differences(Path(sys.argv[1]))
    print("\n".join(wrong) or f"the files of all {len(data_sets())} sets are those that were used")
    sys.exit(1 if wrong else 0)
