"""The layout of a run folder: the only thing that reports, status, predict and export read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolsweep.runs.records import OddRecordError, damaged_file, known_result, read_result


@dataclass(frozen=True)
class RunFolder:
    """Names of the files in a run folder.

    Attributes:
        path: ``<output_root>/<study>/<run_id>``.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / "config.yaml"

    @property
    def labels(self) -> Path:
        """Label name → id."""
        return self.path / "labels.json"

    @property
    def metrics(self) -> Path:
        """One line per logged step."""
        return self.path / "metrics.csv"

    @property
    def status(self) -> Path:
        """Where the run is; written while it runs."""
        return self.path / "status.json"

    @property
    def result(self) -> Path:
        """What came out; exists when the run has finished or failed."""
        return self.path / "result.json"

    @property
    def log(self) -> Path:
        """What the run printed, and the traceback if it failed."""
        return self.path / "run.log"

    @property
    def lock(self) -> Path:
        """Who is running the run."""
        return self.path / "lock.json"

    @property
    def job(self) -> Path:
        """Which job of a cluster has been given the run."""
        return self.path / "job.json"

    @property
    def checkpoints(self) -> Path:
        """What an interrupted run goes on from, and the selected weights."""
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        """The selected weights."""
        return self.checkpoints / "best.safetensors"

    def predictions(self, split: str) -> Path:
        """Every example's prediction; ``split`` is validation or test."""
        return self.path / f"predictions-{split}.parquet"

    def finished(self) -> dict[str, Any] | None:
        """The result, if the run finished and its files are what they were then."""
        result = known_result(self.path)
        counts = result.get("status") == "finished" and damaged_file(self.path, result) is None
        return result if counts else None

    def failed(self) -> bool:
        """Whether the last attempt at the run ended in a failure."""
        return known_result(self.path).get("status") == "failed"

    def damage(self) -> str | None:
        """Why a run that has a result is to be run again; None if nothing is wrong with it."""
        try:
            result = read_result(self.path)
        except OddRecordError as error:
            return str(error)
        return None if result is None or result["status"] != "finished" else damaged_file(self.path, result)
