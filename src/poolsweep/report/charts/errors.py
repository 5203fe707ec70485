"""Which texts two contenders get right: by length, truncation and label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poolsweep.report.charts.style import BASE, HALF, INK, LEAD, MUTED, Chart, add_legend, mark, plain_axes, short
from poolsweep.report.comparison import Comparison, right_or_wrong
from poolsweep.statistics import Scores, difference

NUM_LENGTHS = 5
_MOST = 20


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


def slices(
    comparison: Comparison, first: str, second: str | None, *, lengths: NDArray[np.int64] | None, unit: str
) -> list[Slice]:
    """Cut the test texts by length, truncation and label.

    Args:
        comparison: With predictions of ``first``.
        first: A contender.
        second: Another, or None.
        lengths: Length of each text; None leaves that cut out.
        unit: Unit of the lengths: tokens or words.

    Shape:
        lengths (N,), in the order of the predictions.
    """
    scores = right_or_wrong(comparison)
    if first not in scores:
        return []
    predicted = next(iter(comparison.predictions[first].values()))
    chosen: list[tuple[str, str, NDArray[np.bool_]]] = []
    if lengths is not None:
        chosen += [("length", name, rows) for name, rows in _length_bins(lengths, unit)]
    if predicted.truncated is not None and predicted.truncated.any():
        cut = predicted.truncated
        chosen += [("truncation", "cut to the maximum length", cut), ("truncation", "read whole", ~cut)]
    if comparison.has_classes:
        chosen += [("label", name, predicted.targets == i) for i, name in enumerate(predicted.names)]
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


def errors_chart(slices: Sequence[Slice], first: str, second: str | None) -> Chart | None:
    """A dot for each of two contenders in every slice; None without slices.

    Args:
        slices: From ``errors_by.slices``.
        first: The best.
        second: The baseline, unless that is the best.
    """
    shown = [s for s in slices if s.kind != "label"]
    labels = sorted((s for s in slices if s.kind == "label"), key=lambda s: -s.count)[:_MOST]
    shown += labels
    if not shown:
        return None
    figure = Figure(figsize=(HALF, 1.2 + 0.24 * len(shown)), layout="constrained")
    add_legend(figure, [mark("o", colour, short(name)) for name, colour in ((first, LEAD), (second, BASE)) if name])
    axes = figure.add_subplot()
    plain_axes(axes, grid="x")
    kinds = list(dict.fromkeys(s.kind for s in shown))
    places, at = [], 0.0
    for before, one in zip([None, *shown], shown, strict=False):
        at += 1.0 if before is None or before.kind == one.kind else 1.6
        places.append(at)
    both = [(100 * one.second, 100 * one.first, place) for one, place in zip(shown, places, strict=True)]
    pairs = [pair for pair in both if not math.isnan(pair[0])]
    if pairs:
        left, right, beside = zip(*pairs, strict=True)
        axes.hlines(beside, left, right, colors=MUTED, linewidth=1, zorder=1)
        axes.scatter(left, beside, s=30, color=BASE, zorder=2, linewidth=0)
    axes.scatter([one for _, one, _ in both], places, s=30, color=LEAD, zorder=3, linewidth=0)
    axes.set_yticks(places, [f"{_name(one)}  ({one.count:,})" for one in shown], color=INK)
    axes.set_ylim(places[-1] + 0.7, places[0] - 0.7)
    axes.set_xlabel("right, in % (mean over seeds)")
    left_out = sum(s.kind == "label" for s in slices) - len(labels)
    rest = f" The {_MOST} commonest labels; the table has all {_MOST + left_out}." if left_out else ""
    return Chart(
        "errors", f"Right by {' and '.join(kinds) if len(kinds) < 3 else 'length, truncation and label'}",
        f"In brackets the number of test texts.{rest}",
        "; ".join(f"{one.name}: {100 * one.first:.1f}%" for one in shown), figure,
    )  # fmt: skip


def _name(one: Slice) -> str:
    return f"label {short(one.name, 18)}" if one.kind == "label" and one.name.isdigit() else short(one.name, 24)
