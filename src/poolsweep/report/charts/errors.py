"""Who gets which texts right: by length, truncation and label."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from poolsweep.report.charts.legend import add_legend, mark
from poolsweep.report.charts.style import BASE, HALF, INK, LEAD, MUTED, Chart, plain_axes, short
from poolsweep.report.errors_by import Slice

_MOST = 20


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
