"""How good a model is on texts whose targets are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from poolsweep.data.checks import check_targets
from poolsweep.data.formats.columns import Asked, columns_of
from poolsweep.data.sources.files import require_file
from poolsweep.data.sources.rows import rows_of_file
from poolsweep.data.splits import Split
from poolsweep.errors import UserError
from poolsweep.predict.ensemble import Ensemble
from poolsweep.predict.model import Model
from poolsweep.statistics import Scores, mean_score
from poolsweep.tasks import Contract, Outcomes, Task

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Score:
    """A metric with its 95% interval over texts; nan ends where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LabelScore:
    """How good a model is on one label; each is 0 where it has no meaning, as in scikit-learn.

    Attributes:
        label: Name of the label.
        precision: Share of the texts with this prediction that have the label.
        recall: Share of the texts with the label that have this prediction.
        f1: Harmonic mean of both.
        support: Texts that have the label.
    """

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """What a model predicted of a file, and how good that is.

    Attributes:
        task: Says how predictions are scored.
        contract: The model's.
        measured: Names of the metrics.
        outcomes: Targets, what was decided, and what from.
        members: Each metric of every replicate of an ensemble by itself; empty where the model is one run.
        truncated: Texts that were cut to the maximum length.
    """

    task: Task
    contract: Contract
    measured: tuple[str, ...]
    outcomes: Outcomes
    members: tuple[Mapping[str, float], ...]
    truncated: int

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.outcomes.targets)

    @property
    def outputs(self) -> np.ndarray:
        """What was decided from, (N, C)."""
        assert self.outcomes.outputs is not None
        return self.outcomes.outputs

    def metrics(self) -> dict[str, Score]:
        """Each metric with its interval, which covers other texts alone."""
        return {name: _with_interval(self.task.scores(name, self.outcomes)) for name in self.measured}

    def mean_of_members(self) -> dict[str, float]:
        """The mean of each metric over the replicates; empty where the model is one run."""
        if not self.members:
            return {}
        return {name: float(np.mean([one[name] for one in self.members])) for name in self.measured}

    def by_label(self) -> list[LabelScore]:
        """Precision, recall, F1 and support of every label of the model; empty where targets are no labels."""
        counts = self.task.label_counts(self.contract, self.outcomes)
        if counts is None:
            return []
        columns = (each.tolist() for each in (counts.right, counts.has, counts.said))
        return [
            LabelScore(name, _share(hit, got), _share(hit, has), _share(2 * hit, got + has), int(has))
            for name, hit, has, got in zip(self.contract.names, *columns, strict=True)
        ]


def read_labelled(
    path: Path, model: Model, *, text: str | None, text_pair: str | None, label: str | None, quoted: bool | None = None
) -> Split:
    """Read a file of texts and labels, and check it against what the model knows.

    Args:
        path: csv, tsv, json, jsonl or parquet.
        model: Model whose columns are read unless others are named.
        text: Name of the column with the text.
        text_pair: Name of the column with the second text.
        label: Name of the column with the label.
        quoted: Whether ``"`` quotes fields; None = in csv, but not in tsv.
    Raises:
        UserError: With every problem of the file, among them every label that the model does not have.
    """
    if text_pair is not None and model.reads.text_pair is None:
        raise UserError(f"--text-pair {text_pair}: the model reads single texts")
    reads = model.reads
    columns = columns_of(text or reads.text, text_pair or reads.text_pair, label or reads.label)
    if len(set(columns.values())) < len(columns):
        raise UserError(f"--text, --text-pair and --label must name different columns, got {list(columns.values())}")
    rows, _ = rows_of_file(require_file(Asked(path, f"--data={path}", columns, quoted)))
    split = Split("evaluated", f"--data={path}", rows, np.arange(len(rows)))
    check_targets(split, model.contract, where_seen=f"the labels of {model.name}")
    return split


def evaluate(model: Model, split: Split) -> Evaluation:
    """Predict a split, a few thousand texts at a time.

    Args:
        model: Any that predicts.
        split: Rows whose targets the model knows.
    """
    task, contract = model.task, model.contract
    targets, measured = contract.encode(split.column("label")), model.measured
    values, each, cut = _predicted(model, split)
    members = tuple(
        {name: float(task.scores(name, task.outcomes(own, targets, outputs)).mean()) for name in measured}
        for own, outputs in zip(model.contracts if isinstance(model, Ensemble) else (), each, strict=True)
    )
    return Evaluation(task, contract, measured, task.outcomes(contract, targets, values), members, cut)


def _predicted(model: Model, split: Split) -> tuple[np.ndarray, Sequence[np.ndarray], int]:
    """Outputs (N, C); those of each replicate of an ensemble, which lie on disk; and how many texts were cut."""
    shape = (len(split), len(model.contract))
    values, cut, start = np.empty(shape, dtype=np.float32), 0, 0
    members = len(model.members) if isinstance(model, Ensemble) else 0
    each = [_on_disk(shape) for _ in range(members)]
    for texts, pairs in _windows(split):
        own = slice(start, start + len(texts))
        if isinstance(model, Ensemble):
            found, truncated = model.predict_each(texts, pairs)
            for one, outputs in zip(each, found, strict=True):
                one[own] = outputs
            values[own] = model.together(found)
        else:
            output = model.predict(texts, pairs)
            values[own], truncated = output.values, output.truncated
        cut, start = cut + int(truncated.sum()), start + len(texts)
    return values, each, cut


def _on_disk(shape: tuple[int, int]) -> np.ndarray:
    """An array in a temporary file, which goes with it: replicates of a large file do not fit into memory."""
    with TemporaryFile() as file:
        return np.memmap(file, dtype=np.float32, mode="w+", shape=shape)


def _windows(split: Split) -> Iterator[tuple[list[str], list[str] | None]]:
    names = ["text", *(["text_pair"] if split.is_pair else [])]
    chosen = split.rows.select_columns(names).with_format("arrow")
    for start in range(0, len(split), _ROWS_AT_ONCE):
        table: Any = chosen[start : start + _ROWS_AT_ONCE]  # a table in this format, whatever the annotation says
        yield table.column("text").to_pylist(), table.column("text_pair").to_pylist() if split.is_pair else None


def _with_interval(values: np.ndarray) -> Score:
    one = Scores(values[None], seeds=(0,), row_ids=np.arange(len(values)), deterministic=True)
    found = mean_score(one).estimate
    return Score(float(values.mean()), found.low, found.high)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
