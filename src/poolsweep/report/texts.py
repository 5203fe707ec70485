"""The test texts, read again from where a run's config says they come from, and those on which poolings disagree."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from poolsweep.config.node import Node
from poolsweep.data import sources
from poolsweep.data.source import Source
from poolsweep.errors import UserError
from poolsweep.process.collector import importing
from poolsweep.report.comparison import Comparison, right_or_wrong
from poolsweep.report.predicted import Predicted
from poolsweep.report.results import RunRecord


@dataclass(frozen=True)
class TestTexts:
    """The texts behind some predictions, or why they cannot be had.

    Attributes:
        texts: In the order of the predictions; None where they cannot be had.
        reason: Why not; empty where they can.
    """

    __test__ = False  # pytest takes the name for a test

    texts: tuple[str, ...] | None
    reason: str


@importing()
def read_texts(run: RunRecord, predicted: Predicted) -> TestTexts:
    """Read the test texts; only poolsweep's own sources are called, whatever a run's config names.

    They count only if rows and labels are still those that were predicted. Nothing is fetched; see
    :meth:`~poolsweep.data.source.Source.read_again`.

    Args:
        run: One run of the group.
        predicted: Predictions of that run.
    """
    try:
        source = _source(Node(run.config.get("data") or {}))
        if source is None:
            return TestTexts(None, "the run's config names no source of poolsweep's own")
        source.strata = predicted.task.strata
        test = source.read_again().test
        if test is None:
            return TestTexts(None, "the run has no test split")
        order = np.argsort(test.row_ids)
        targets = predicted.contract.encode(test.column("label"))[order]
        texts = test.column("text").to_pylist()
        pairs = test.column("text_pair").to_pylist() if test.is_pair else None
    except UserError as error:
        return TestTexts(None, error.problems[0].partition(";")[0])  # what follows names what lies beside a file
    except (OSError, TypeError, ValueError, ImportError) as error:
        return TestTexts(None, f"{type(error).__name__}: {error}")
    same = np.array_equal(np.asarray(test.row_ids)[order], predicted.row_ids)
    if not same or not np.array_equal(targets, predicted.targets):
        return TestTexts(None, "the data have changed since: rows or labels are not those that were predicted")
    joined = [f"{a} ⟂ {b}" for a, b in zip(texts, pairs, strict=True)] if pairs else texts
    return TestTexts(tuple(str(joined[i]) for i in order), "")


def _source(data: Node) -> Source | None:
    """The source of a run's config; None where it is none of ``poolsweep.data.sources``."""
    module, _, name = str(data.get("_target_")).rpartition(".")
    own = {f"{sources.__name__}.{found.name}" for found in pkgutil.iter_modules(sources.__path__)}
    kind = getattr(importlib.import_module(module), name, None) if module in own else None
    if not (isinstance(kind, type) and issubclass(kind, Source) and kind.__module__ == module):
        return None
    known = inspect.signature(kind).parameters
    return kind(**{key: value for key, value in data.items() if key in known})


@dataclass(frozen=True)
class Disagreement:
    """A text that some poolings get right and others wrong.

    Attributes:
        row_id: In its file.
        text: None where the texts cannot be had.
        label: Name of the true label.
        right: Share of all runs that get it right.
        said: Predicted label → the poolings whose seeds say so most often, the true label first.
    """

    row_id: int
    text: str | None
    label: str
    right: float
    said: Mapping[str, tuple[str, ...]]


def disagreements(comparison: Comparison, texts: tuple[str, ...] | None, *, most: int = 30) -> list[Disagreement]:
    """The texts on which poolings differ most in how often their seeds are right.

    Args:
        comparison: Any.
        texts: In the order of the predictions, if they can be had.
        most: Texts to give.
    """
    scores = right_or_wrong(comparison) if comparison.has_classes else {}
    if len(scores) < 2:
        return []
    rates = np.stack([s.values.mean(axis=0) for s in scores.values()])
    spread = rates.std(axis=0)
    first = next(iter(next(iter(comparison.predictions.values())).values()))
    order = np.lexsort((np.abs(rates.mean(axis=0) - 0.5), -spread))[:most]
    return [
        Disagreement(
            int(first.row_ids[i]), texts[int(i)] if texts else None, first.names[first.targets[i]],
            float(np.mean([s.values[:, i].mean() for s in scores.values()])),
            _said(comparison, int(i), first.names[first.targets[i]]),
        )
        for i in order if spread[i] > 0
    ]  # fmt: skip


def _said(comparison: Comparison, row: int, label: str) -> dict[str, tuple[str, ...]]:
    said: dict[str, list[str]] = defaultdict(list)
    for name in comparison.names:
        votes = Counter(p.names[p.predicted[row]] for p in comparison.predictions.get(name, {}).values())
        if votes:
            said[votes.most_common(1)[0][0]].append(name)
    order = sorted(said, key=lambda answer: (answer != label, -len(said[answer]), answer))
    return {answer: tuple(said[answer]) for answer in order}
