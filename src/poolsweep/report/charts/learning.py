"""The score against the number of training rows, a line for each contender."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from poolsweep.report.charts.style import INK, MUTED, SURFACE, WIDE, Chart, plain_axes, role_colour, short
from poolsweep.report.comparison import Comparison
from poolsweep.report.learning import LearningCurve, learning_sentence
from poolsweep.report.metric import factor, title

_MOST = 12  # lines that can be told apart
_STYLES = ("-", "--", "-.", ":")
_TICKS_APART = 1.25  # smallest ratio of two sizes that both have their number written
_APART = 0.055  # of the height: how far names at the ends of lines are kept from each other


def learning_chart(curve: LearningCurve) -> Chart:
    """A line for each contender against training rows, with a band; dotted lines where another takes the lead."""
    comparison = curve.largest
    shown = list(curve.names[:_MOST])
    if comparison.baseline in curve.names and comparison.baseline not in shown:
        shown[-1] = comparison.baseline
    scale = factor(comparison.metric)
    figure = Figure(figsize=(WIDE, 4.2), layout="constrained")
    axes = figure.add_subplot()
    plain_axes(axes, grid="y")
    axes.set_xscale("log")
    for name, style in _styles(comparison, shown).items():
        _draw(axes, curve, name, scale, style)
    for size in curve.sizes:
        best = size.summaries[size.leader].mean * scale
        axes.plot([size.rows], [best], "o", ms=8, mfc=SURFACE, mec=INK, mew=1.3, zorder=4)
    _mark_changes(axes, curve)
    _name_ends(axes, curve, shown, scale)
    rows = [size.rows for size in curve.sizes]
    axes.xaxis.set_major_locator(FixedLocator(_ticks(rows)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(rows[0] * 0.92, rows[-1] * (rows[-1] / rows[0]) ** 0.22)
    axes.set_xlabel("training rows (log scale)")
    axes.set_ylabel(f"test {title(comparison.metric)}")
    more = len(curve.names) - len(shown)
    return Chart(
        "learning", "Score by number of training rows",
        f"Mean over {comparison.group.wording.noun}, with 95% t intervals as bands. A ring marks the highest mean at "
        f"each size, a dotted line a change of who has it. {learning_sentence(curve)}"
        + (f" {more} more poolings are in the table." if more else ""),
        learning_sentence(curve), figure,
    )  # fmt: skip


def _styles(comparison: Comparison, names: Sequence[str]) -> dict[str, str]:
    """A style for each line that tells it from others of its colour."""
    colours = [role_colour(comparison, name) for name in names]
    return {name: _STYLES[colours[:i].count(colours[i]) % len(_STYLES)] for i, name in enumerate(names)}


def _ticks(rows: Sequence[float]) -> list[float]:
    """The sizes whose numbers have room, the largest among them."""
    kept = [rows[-1]]
    for size in reversed(rows[:-1]):
        if size * _TICKS_APART <= kept[-1]:
            kept.append(size)
    return kept


def _draw(axes: Axes, curve: LearningCurve, name: str, scale: int, style: str) -> None:
    points = [(size.rows, size.summaries[name]) for size in curve.sizes if name in size.summaries]
    rows = [row for row, _ in points]
    colour = role_colour(curve.largest, name)
    means = [scale * one.mean for _, one in points]
    axes.plot(rows, means, color=colour, linewidth=1.7, linestyle=style, marker="o", markersize=3.5, zorder=3)
    sure = [(row, one) for row, one in points if not math.isnan(one.low)]
    low, high = ([scale * getattr(one, end) for _, one in sure] for end in ("low", "high"))
    axes.fill_between([row for row, _ in sure], low, high, color=colour, alpha=0.13, linewidth=0, zorder=2)


def _mark_changes(axes: Axes, curve: LearningCurve) -> None:
    """A dotted line between the sizes, with the name of who leads beyond it."""
    for place, (before, after) in enumerate(curve.changes):
        between = math.sqrt(before.rows * after.rows)
        axes.axvline(between, color=MUTED, linewidth=0.9, linestyle=":", zorder=1)
        axes.annotate(
            f" {short(after.leader, 20)} leads →", (between, 0.01 + 0.05 * (place % 3)),
            xycoords=axes.get_xaxis_transform(), fontsize=8, color=MUTED, va="bottom",
        )  # fmt: skip


def _name_ends(axes: Axes, curve: LearningCurve, shown: Sequence[str], scale: int) -> None:
    """Name the lines at their right ends, apart from each other, the best on top."""
    last = {name: [size for size in curve.sizes if name in size.summaries][-1] for name in shown}
    ends = sorted(((scale * last[name].summaries[name].mean, name) for name in shown), reverse=True)
    low, high = axes.get_ylim()
    step, place = _APART * (high - low), math.inf
    for value, name in ends:
        place = min(value, place - step)
        weight = "bold" if name in curve.largest.leading else "normal"
        axes.annotate(
            short(name, 24), (last[name].rows, value), (last[name].rows * 1.06, place), fontsize=8.5, va="center",
            color=role_colour(curve.largest, name), fontweight=weight, annotation_clip=False,
        )  # fmt: skip
