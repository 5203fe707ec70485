"""How good a model is on texts whose labels are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from poolsweep.data.checks import check_targets
from poolsweep.data.formats.columns import Asked
from poolsweep.data.sources.files import require_file
from poolsweep.data.sources.rows import rows_of_file
from poolsweep.data.splits import Split
from poolsweep.errors import UserError
from poolsweep.predict.ensemble import Ensemble
from poolsweep.predict.model import Model
from poolsweep.statistics import Scores, mean_score, metric_scores

METRICS = ("accuracy", "f1_macro", "mcc", "log_loss")  # log_loss: the less, the better
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
        names: ``names[i]`` is the name of label id i.
        labels: Label ids, (N,).
        probabilities: What the model predicted, (N, C).
        members: What each replicate of an ensemble predicted, with the probability of the right label; two (M, N).
        truncated: Texts that were cut to the maximum length.
    """

    names: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray
    members: tuple[np.ndarray, np.ndarray] | None
    truncated: int

    @property
    def predicted(self) -> np.ndarray:
        """Label ids, (N,)."""
        return self.probabilities.argmax(axis=1)

    def metrics(self) -> dict[str, Score]:
        """Each metric with its interval, which covers other texts alone."""
        right = self.probabilities[np.arange(len(self.labels)), self.labels]
        scores = {name: _scores(name, self.labels, self.predicted, right) for name in METRICS}
        return {name: _with_interval(values) for name, values in scores.items()}

    def of_members(self) -> list[dict[str, float]]:
        """Each metric of every replicate by itself; empty where the model is one run."""
        if self.members is None:
            return []
        return [
            {name: float(_scores(name, self.labels, predicted, right).mean()) for name in METRICS}
            for predicted, right in zip(*self.members, strict=True)
        ]

    def by_label(self) -> list[LabelScore]:
        """Precision, recall, F1 and support of every label of the model."""
        size = len(self.names)
        counts = np.bincount(self.labels * size + self.predicted, minlength=size**2).reshape(size, size)
        right, support, said = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
        return [
            LabelScore(name, _share(hit, got), _share(hit, has), _share(2 * hit, got + has), int(has))
            for name, hit, has, got in zip(self.names, right.tolist(), support.tolist(), said.tolist(), strict=True)
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
    columns = {"text": text or model.reads.text, "label": label or model.reads.label}
    if pair := text_pair or model.reads.text_pair:
        columns["text_pair"] = pair
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
        split: Rows whose labels the model has.
    """
    labels = model.contract.encode(split.column("label"))
    found, members, cut, start = [], [], 0, 0
    for texts, pairs in _windows(split):
        own = labels[start : start + len(texts)]
        if isinstance(model, Ensemble):
            each, truncated = model.predict_each(texts, pairs)
            members.append((each.argmax(axis=2), each[:, np.arange(len(own)), own]))
            values = each.mean(axis=0, dtype=np.float64).astype(np.float32)
        else:
            output = model.predict(texts, pairs)
            values, truncated = output.values, output.truncated
        found.append(values)
        cut, start = cut + int(truncated.sum()), start + len(texts)
    of_members = tuple(np.concatenate(part, axis=1) for part in zip(*members, strict=True)) if members else None
    return Evaluation(model.contract.names, labels, np.concatenate(found), of_members, cut)  # type: ignore[arg-type]


def _windows(split: Split) -> Iterator[tuple[list[str], list[str] | None]]:
    names = ["text", *(["text_pair"] if split.is_pair else [])]
    chosen = split.rows.select_columns(names).with_format("arrow")
    for start in range(0, len(split), _ROWS_AT_ONCE):
        table: Any = chosen[start : start + _ROWS_AT_ONCE]  # a table in this format, whatever the annotation says
        yield table.column("text").to_pylist(), table.column("text_pair").to_pylist() if split.is_pair else None


def _scores(name: str, labels: np.ndarray, predicted: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A score for each text, whose mean is the metric."""
    if name == "log_loss":
        return -np.log(np.clip(right.astype(np.float64), np.finfo(np.float64).eps, None))
    return metric_scores(name, labels, predicted)


def _with_interval(values: np.ndarray) -> Score:
    one = Scores(values[None], seeds=(0,), row_ids=np.arange(len(values)), deterministic=True)
    found = mean_score(one).estimate
    return Score(float(values.mean()), found.low, found.high)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def mean_of(members: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of each metric over the replicates.

    Args:
        members: From ``Evaluation.of_members``.
    """
    return {name: float(np.mean([one[name] for one in members])) for name in METRICS}
