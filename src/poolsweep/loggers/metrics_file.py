"""metrics.csv: one line per logged step, in the run folder, always."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from poolsweep.files.writing import open_to_append


class MetricsFile:
    """Appends metrics as they come, so that a killed run keeps them.

    Args:
        path: A csv file.
        measured: Names of the metrics, the loss aside.
        check_lock: Called before each line; raises if another process has the run now.
    """

    def __init__(self, path: Path, *, measured: Sequence[str], check_lock: Callable[[], None] = lambda: None) -> None:
        self._path = path
        splits = (f"{split}/{name}" for split in ("val", "test") for name in sorted({*measured, "loss"}))
        self._columns = ("step", "epoch", "train/loss", *splits, "penalty")
        self._check_lock = check_lock

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append one line; columns that were not measured stay empty."""
        row = {"step": step, **metrics}
        if not row.keys() & set(self._columns[2:]):
            return
        self._check_lock()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open_to_append(self._path) as binary, io.TextIOWrapper(binary, newline="", encoding="utf-8") as file:
            is_new = binary.tell() == 0
            writer = csv.DictWriter(file, self._columns, extrasaction="ignore")
            if is_new:
                writer.writeheader()
            writer.writerow(row)


def read_rows(path: Path) -> list[dict[str, float]]:
    """The lines of a metrics.csv, each with its step and what was measured; none if there is no such file."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
    except FileNotFoundError:
        return []
    return [{name: float(value) for name, value in line.items() if name and value} for line in lines if line["step"]]
