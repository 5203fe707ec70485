"""Where a comparison's errors lie: by label, by length, by truncation, and the texts on which poolings disagree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolsweep.report.comparison import Comparison
from poolsweep.report.predictions import Predicted
from poolsweep.statistics import Scores, difference

NUM_LENGTHS = 5


@dataclass(frozen=True)
class Slice:
    """Some of the test texts, and how two contenders do on them.

    Attributes:
        kind: ``label``, ``length`` or ``truncation``.
        name: Such as ``"9 to 12 words"``.
        count: Texts.
        first: Share that the first contender gets right, 0 to 1, mean over seeds.
        second: The same of the second; nan without one.
        low: End of the 95% interval of first minus second, not adjusted for the number of slices; nan without one, as
            where the slice has one text or a contender one seed.
        high: The other end.
    """

    kind: str
    name: str
    count: int
    first: float
    second: float
    low: float
    high: float


@dataclass(frozen=True)
class Disagreement:
    """A text that some poolings get right and others wrong.

    Attributes:
        row_id: In its file.
        text: None where the texts cannot be had.
        label: Its name.
        right: Share of all runs that get it right.
        said: Predicted label → the poolings whose seeds say so most often, the true label first.
    """

    row_id: int
    text: str | None
    label: str
    right: float
    said: Mapping[str, tuple[str, ...]]


def right(comparison: Comparison) -> dict[str, Scores]:
    """Contender → 1 where right, 0 where wrong, seeds by texts; empty where test rows are not shared."""
    if not comparison.scores:
        return {}
    return {
        name: Scores(
            np.stack([p.labels == p.predicted for p in by_seed.values()]),
            seeds=tuple(by_seed), row_ids=next(iter(by_seed.values())).row_ids,
            deterministic=comparison.scores[name].deterministic,
        )
        for name, by_seed in comparison.predictions.items()
    }  # fmt: skip


def confusion(predictions: Sequence[Predicted]) -> NDArray[np.int64]:
    """Counts of label by predicted label, summed over runs.

    Shape:
        returns (C, C), rows are the true labels.
    """
    num = len(predictions[0].names)
    total = np.zeros((num, num), dtype=np.int64)
    for p in predictions:
        np.add.at(total, (p.labels, p.predicted), 1)
    return total


def slices(
    comparison: Comparison, first: str, second: str | None, *, lengths: NDArray[np.int64] | None, unit: str
) -> list[Slice]:
    """Cut the test texts by length, truncation and label.

    Args:
        comparison: With predictions of ``first``.
        first: A contender.
        second: Another, or None.
        lengths: Of each text; None leaves that cut out.
        unit: Of these: tokens or words.

    Shape:
        lengths (N,), in the order of the predictions.
    """
    scores = right(comparison)
    if first not in scores:
        return []
    predicted = next(iter(comparison.predictions[first].values()))
    chosen: list[tuple[str, str, NDArray[np.bool_]]] = []
    if lengths is not None:
        chosen += [("length", name, rows) for name, rows in _length_bins(lengths, unit)]
    if predicted.truncated is not None and predicted.truncated.any():
        cut = predicted.truncated
        chosen += [("truncation", "cut to the maximum length", cut), ("truncation", "read whole", ~cut)]
    chosen += [("label", name, predicted.labels == i) for i, name in enumerate(predicted.names)]
    against = scores.get(second) if second and second != first else None
    return [_slice(kind, name, rows, scores[first], against) for kind, name, rows in chosen if rows.any()]


def _slice(kind: str, name: str, rows: NDArray[np.bool_], first: Scores, second: Scores | None) -> Slice:
    ours = _on_rows(first, rows)
    if second is None:
        return Slice(kind, name, int(rows.sum()), ours.mean, np.nan, np.nan, np.nan)
    theirs = _on_rows(second, rows)
    estimate = difference(ours, theirs).estimate
    return Slice(kind, name, int(rows.sum()), ours.mean, theirs.mean, estimate.low, estimate.high)


def _on_rows(scores: Scores, rows: NDArray[np.bool_]) -> Scores:
    return Scores(
        scores.values[:, rows], seeds=scores.seeds, row_ids=scores.row_ids[rows], deterministic=scores.deterministic
    )


def _length_bins(lengths: NDArray[np.int64], unit: str) -> list[tuple[str, NDArray[np.bool_]]]:
    """Fifths of the texts, or fewer where lengths repeat.

    Example:
        >>> [name for name, _ in _length_bins(np.array([1, 2, 2, 3, 9, 9]), "words")]
        ['1 to 2 words', '3 words', '9 words']
    """
    cuts = np.unique(np.quantile(lengths, np.linspace(0, 1, NUM_LENGTHS + 1)[1:], method="lower"))
    bins, low = [], int(lengths.min())
    for high in (int(cut) for cut in cuts):
        rows = (lengths >= low) & (lengths <= high)
        if rows.any():
            low = int(lengths[rows].min())
            bins.append((f"{low} {unit}" if low == high else f"{low} to {high} {unit}", rows))
        low = high + 1
    return bins


def disagreements(comparison: Comparison, texts: tuple[str, ...] | None, *, most: int = 30) -> list[Disagreement]:
    """The texts on which poolings differ most in how often their seeds are right.

    Args:
        comparison: Any.
        texts: In the order of the predictions, if they can be had.
        most: Texts to give.
    """
    scores = right(comparison)
    if len(scores) < 2:
        return []
    rates = np.stack([s.values.mean(axis=0) for s in scores.values()])
    spread = rates.std(axis=0)
    first = next(iter(next(iter(comparison.predictions.values())).values()))
    order = np.lexsort((np.abs(rates.mean(axis=0) - 0.5), -spread))[:most]
    return [
        Disagreement(
            int(first.row_ids[i]), texts[int(i)] if texts else None, first.names[first.labels[i]],
            float(np.mean([s.values[:, i].mean() for s in scores.values()])),
            _said(comparison, int(i), first.names[first.labels[i]]),
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
