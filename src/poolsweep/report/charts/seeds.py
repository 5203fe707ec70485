"""Every seed of every contender, with the mean and its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

from matplotlib.artist import Artist
from matplotlib.figure import Figure

from poolsweep.report.charts.style import (
    BASE,
    INK,
    MUTED,
    WIDE,
    Chart,
    add_legend,
    mark,
    plain_axes,
    role_colour,
    roles,
    short,
)
from poolsweep.report.comparison import Comparison
from poolsweep.report.metric import factor, shown, title
from poolsweep.report.replicates import Replicate

_SHAPES = ("o", "s", "^", "D", "v", "P")
_Key = TypeVar("_Key", Replicate, int)
_WIDTH = 0.011  # of a mark, as a share of the axis


def seeds_chart(comparison: Comparison) -> Chart:
    """A strip per contender."""
    names = comparison.names
    handles = [*roles(comparison, names), *_shapes(comparison)]
    figure = Figure(figsize=(WIDE, 0.95 + 0.2 * (len(handles) > 8) + 0.3 * len(names)), layout="constrained")
    add_legend(figure, handles)
    axes = figure.add_subplot()
    plain_axes(axes, grid="x")
    if comparison.baseline:
        mean = factor(comparison.metric) * comparison.summaries[comparison.baseline].mean
        axes.axvline(mean, color=BASE, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    dashed = f" The dashed line is the mean of {comparison.baseline}." if comparison.baseline else ""
    one = comparison.group.wording.noun.removesuffix("s")
    _bars(axes, comparison)
    for place, name in enumerate(names):
        axes.annotate(_numbers(comparison, name), (1.01, place), xycoords=("axes fraction", "data"), va="center",
                      fontsize=8.5, color=INK if name in comparison.leading else MUTED)  # fmt: skip
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_color(INK)
        label.set_fontweight("bold" if name in comparison.leading else "normal")
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(f"test {title(comparison.metric)}")
    _limits(axes, comparison)
    _marks(axes, comparison)
    return Chart(
        "seeds", f"Every {one}",
        f"A mark per {one}, a bar for the 95% interval of the mean, a line across for the mean; equal marks stand one "
        f"above the other.{dashed}",
        "; ".join(f"{n}: mean {shown(comparison.summaries[n].mean, comparison.metric)}" for n in names), figure,
    )  # fmt: skip


def _bars(axes, comparison: Comparison) -> None:  # noqa: ANN001
    """All contenders' intervals and means at once."""
    summaries = [comparison.summaries[name] for name in comparison.names]
    places = [place for place, summary in enumerate(summaries) if not math.isnan(summary.low)]
    low, high = (
        [factor(comparison.metric) * getattr(summaries[place], end) for place in places] for end in ("low", "high")
    )
    colours = [role_colour(comparison, comparison.names[place]) for place in places]
    axes.hlines(places, low, high, colors=colours, linewidth=9, alpha=0.22, zorder=2)
    below, above = ([place + end for place in range(len(summaries))] for end in (-0.3, 0.3))
    scale = factor(comparison.metric)
    axes.vlines([scale * summary.mean for summary in summaries], below, above, colors=INK, linewidth=1.8,
                capstyle="round", zorder=4)  # fmt: skip


def _marks(axes, comparison: Comparison) -> None:  # noqa: ANN001
    """All contenders' values of one seed at a time; few seeds have shapes of their own, so that pairs can be seen."""
    seeds, (left, right) = _seeds(comparison), axes.get_xlim()
    shifts = {
        name: apart(comparison.values[name], _WIDTH * (right - left) / factor(comparison.metric))
        for name in comparison.names
    }
    for i, seed in enumerate(seeds):
        found = [(place, name) for place, name in enumerate(comparison.names) if seed in comparison.values[name]]
        axes.scatter(
            [factor(comparison.metric) * comparison.values[name][seed] for _, name in found],
            [place + shifts[name][seed] for place, name in found],
            s=26, marker=_SHAPES[i] if len(seeds) <= len(_SHAPES) else "o", alpha=0.75, linewidth=0, zorder=3,
            color=[role_colour(comparison, name) for _, name in found],
        )  # fmt: skip


def apart(values: Mapping[_Key, float], width: float) -> dict[_Key, float]:
    """How far each seed's mark is moved up or down, so that marks of the same value do not hide each other.

    Args:
        values: Score by seed.
        width: Difference of scores up to which two marks overlap.
    Example:
        >>> apart({0: 0.80, 1: 0.80, 2: 0.95}, 0.01)
        {0: -0.12, 1: 0.12, 2: 0.0}
    """
    rows: list[list[_Key]] = []
    for seed in sorted(sorted(values), key=lambda seed: values[seed]):
        if rows and values[seed] - values[rows[-1][0]] <= width:
            rows[-1].append(seed)
        else:
            rows.append([seed])
    step = {len(row): min(0.24, 0.6 / max(len(row) - 1, 1)) for row in rows}
    moved = {seed: step[len(row)] * (i - (len(row) - 1) / 2) for row in rows for i, seed in enumerate(row)}
    return {seed: moved[seed] for seed in values}


def _seeds(comparison: Comparison) -> list[Replicate]:
    return sorted({seed for by_seed in comparison.values.values() for seed in by_seed})


def _shapes(comparison: Comparison) -> list[Artist]:
    """A mark per seed, where each has a shape of its own."""
    seeds = _seeds(comparison)
    name = comparison.group.wording.name
    if not 1 < len(seeds) <= len(_SHAPES):
        return []
    return [mark(shape, MUTED, name(seed)) for shape, seed in zip(_SHAPES, seeds, strict=False)]


def _limits(axes, comparison: Comparison) -> None:  # noqa: ANN001
    """Intervals of two seeds can be absurdly wide: the seeds must stay legible."""
    values = [factor(comparison.metric) * value for by_seed in comparison.values.values() for value in by_seed.values()]
    low, high = min(values), max(values)
    room = max(high - low, 0.005 * factor(comparison.metric))
    left, right = axes.get_xlim()
    axes.set_xlim(max(left, low - room), min(right, high + room))


def _numbers(comparison: Comparison, name: str) -> str:
    summary = comparison.summaries[name]
    spread = "" if math.isnan(summary.low) else f" ± {shown(summary.high - summary.mean, comparison.metric)}"
    return f"{shown(summary.mean, comparison.metric)}{spread}"
