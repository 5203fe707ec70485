"""The runs of a study as data frames."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poolsweep.errors import UserError
from poolsweep.report.config_differences import config_differences
from poolsweep.report.contender_key import ContenderKey, TrainingRows
from poolsweep.report.leaderboard import BASELINE, Row, check_baseline, compare_all, leaderboard, score_name
from poolsweep.report.metric import check_metric
from poolsweep.report.predicted import read_predictions
from poolsweep.report.replicates import Replicate
from poolsweep.report.results import RunRecord

if TYPE_CHECKING:
    import xarray

_ABOUT = (
    "study",
    "data",
    "encoder",
    "task",
    "regime",
    "pooling",
    "seed",
    "setting",
    "seconds",
    "cpu_seconds",
    "best_epoch",
    "epochs",
    "steps",
)
_PLAIN = ("data", "encoder", "pooling", "regime", "seed")  # what every table of a study is joined on
_DIFFERENCE = ("difference", "difference_low", "difference_high")


@dataclass(frozen=True, eq=False)
class StudyTables:
    """The runs of one study or several, as tables.

    Attributes:
        records: One per run folder.
    """

    records: tuple[RunRecord, ...]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run, by ``run_id``: what it is, ``state``, metrics, sizes, cost.

        Config values that differ between runs are columns too, under their dotted names; as text where numbers and
        words were swept (``trainer.precision=32,bf16-mixed``).
        """
        differing = config_differences(self.records)
        rows = [_row(run) | differing.get(run.path.name, {}) for run in self.records]
        if not rows:
            return pd.DataFrame(index=pd.Index([], name="run_id"))
        frame = pd.DataFrame(rows).set_index("run_id")
        for name in dict.fromkeys(key for values in differing.values() for key in values):
            frame[name] = _of_one_type(frame.loc[:, name])
        return frame

    def leaderboard(self, *, metric: str | None = None, baseline: str = BASELINE) -> pd.DataFrame:
        """One row per contender, best first: its test score with the interval, its difference to a baseline, its ties.

        ``low`` and ``high`` bound the mean at 95%, ``difference_low`` and ``difference_high`` the difference; nan where
        there is no interval. ``tied`` is whether it could be the best, None where nothing can be compared.

        Args:
            metric: A metric of the runs, such as f1_macro; None = the first of theirs.
            baseline: Name of a contender, or of a pooling, that the others are held against.
        Raises:
            UserError: If there is no such metric, or no such contender.
        """
        if metric is not None:
            check_metric(metric)
        comparisons = compare_all(self.records, metric=metric, baseline=baseline)
        check_baseline(comparisons, baseline)
        name = score_name(comparisons)
        rows = [_contender(row, name) for row in leaderboard(comparisons)]
        columns = [
            "data",
            "rows",
            "name",
            *ContenderKey._fields,
            name,
            "low",
            "high",
            *_DIFFERENCE,
            "replicates",
            "tied",
        ]
        return pd.DataFrame(rows, columns=pd.Index(columns))

    def __repr__(self) -> str:
        return f"{self._in_a_line()}\n{self._short().to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._in_a_line())}</p>{self._short().to_html(index=False)}"

    def _short(self) -> pd.DataFrame:
        return self.leaderboard().round(4).drop(columns=["difference_low", "difference_high"])

    def _in_a_line(self) -> str:
        states = Counter(run.state for run in self.records)
        return f"{len(self.records)} runs: " + ", ".join(f"{count} {state}" for state, count in states.most_common())

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per run and test text: ``label``, ``predicted`` (names), ``correct``, ``confidence`` (0 to 1)."""
        frames = []
        for run in self._finished():
            found = read_predictions(run, outputs=True)
            if found is None:
                continue
            frame = pd.DataFrame({"run_id": run.path.name, **{key: run.facts.get(key) for key in _PLAIN},
                                  "row_id": found.row_ids})  # fmt: skip
            for column, values in (("label", found.targets), ("predicted", found.predicted)):
                frame[column] = _in_a_column(values, found.names)
            frame["correct"] = pd.NA if found.right is None else found.right
            chances = found.outputs if found.task.has_labels else None
            frame["confidence"] = math.nan if chances is None else chances.max(axis=1)
            frames.append(frame)
        columns = ["run_id", *_PLAIN, "row_id", "label", "predicted", "correct", "confidence"]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=pd.Index(columns))

    @cached_property
    def curves(self) -> pd.DataFrame:
        """One row per logged step of every run: ``step``, ``epoch``, and each metric (nan where not measured then)."""
        frames = []
        for run in self.records:
            lines = read_curve(run)
            if lines:
                frame = pd.DataFrame(lines)
                about = {"run_id": run.path.name, **{key: run.facts.get(key) for key in _PLAIN}}
                for place, (name, value) in enumerate(about.items()):
                    frame.insert(place, name, value)
                frames.append(frame)
        columns = ["run_id", *_PLAIN, "step", "epoch"]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=pd.Index(columns))

    def to_xarray(self) -> xarray.Dataset:
        """The metrics of all finished runs by what they differ in; nan where there is no run.

        The dimensions are data, encoder, pooling, regime, rows, setting, split, fold and seed.

        Runs on files that have been replaced since are left out, as in a report.

        Raises:
            UserError: If xarray is not installed, or two runs share all of these otherwise.
        """
        try:
            import xarray  # noqa: F401  pandas asks for it
        except ImportError as error:
            raise UserError("to_xarray needs xarray: pip install 'poolsweep[notebook]'") from error
        index = ["data", *ContenderKey._fields, "rows", "setting", "split", "fold", "seed"]
        counted = [run.path.name for run in self._finished() if "outdated" not in run.facts]
        finished = self.runs[self.runs.index.isin(counted)]
        metrics = [name for name in finished.columns if name.startswith(("val/", "test/"))]
        if finished.set_index(index).index.has_duplicates:
            raise UserError(
                "runs share all of these: init_seed or data_seed was swept, or two studies have the same runs"
            )
        return finished.set_index(index)[metrics].to_xarray()

    def _finished(self) -> Iterator[RunRecord]:
        return (run for run in self.records if run.finished)


def _in_a_column(values: NDArray[Any], names: Sequence[str]) -> Any:  # noqa: ANN401
    """Names of classes, several names a text joined by ``|``, or numbers as they are."""
    if values.ndim == 2:
        return ["|".join(name for name, has in zip(names, row, strict=True) if has) for row in values]
    return pd.Categorical.from_codes(values, list(names)) if np.issubdtype(values.dtype, np.integer) else values


def read_curve(run: RunRecord) -> list[dict[str, float]]:
    """The lines of a run's ``metrics.csv``; empty where there is none. Cells that are empty or broken are left out."""
    try:
        with run.folder.metrics.open(newline="", encoding="utf-8") as file:
            return [_numbers(line) for line in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _of_one_type(column: pd.Series) -> pd.Series:
    """As it is, or as text where values of several types stand, which no parquet file holds."""
    kinds = {type(value) for value in column.dropna()}
    if len(kinds) < 2 or kinds == {int, float}:
        return column
    return column.map(lambda value: str(value).lower() if isinstance(value, bool) else str(value), na_action="ignore")


def _contender(row: Row, name: str) -> dict[str, Any]:
    difference = row.difference
    between = (math.nan,) * 3 if difference is None else (difference.value + 0.0, difference.low, difference.high)
    found: dict[str, Any] = {"data": row.data, "rows": row.rows, "name": row.name, **row.key._asdict()}
    found[name] = row.score.mean
    found |= {"low": row.score.low, "high": row.score.high, **dict(zip(_DIFFERENCE, between, strict=True))}
    return found | {"replicates": len(row.replicates), "tied": row.tied}


def _row(run: RunRecord) -> dict[str, Any]:
    facts = run.facts
    row: dict[str, Any] = {"run_id": run.path.name, "name": facts.get("name"), "state": run.state}
    row |= {key: facts.get(key) for key in _ABOUT}
    replicate = Replicate.of(run) if run.is_known else None
    row |= {"rows": str(TrainingRows.of(facts)), "split": replicate and replicate.split_seed}
    row["fold"] = replicate and replicate.fold
    row |= {name: value for name, value in (facts.get("metrics") or {}).items() if isinstance(value, int | float)}
    row |= {f"parameters.{key}": value for key, value in (facts.get("parameters") or {}).items()}
    row |= {f"peak_memory_mib.{key}": value for key, value in (facts.get("peak_memory_mib") or {}).items()}
    return row | {"git_commit": facts.get("git_commit"), "reason": facts.get("reason")}


def _numbers(line: Mapping[str, str | None]) -> dict[str, float]:
    found = {}
    for name, cell in line.items():
        try:
            found[name] = float(cell) if cell and name else np.nan
        except (TypeError, ValueError):
            found[name] = np.nan
    return found
