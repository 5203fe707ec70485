"""How validation went while training, a small panel per contender."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from poolsweep.report.charts.style import GRID, INK, WIDE, Chart, add_legend, plain_axes, role_colour, roles, short
from poolsweep.report.comparison import Comparison
from poolsweep.report.metric import factor, title
from poolsweep.report.study import read_curve

Curve = Mapping[float, tuple[float, ...]]

_COLUMNS, _MOST = 5, 15


def curves_chart(comparison: Comparison) -> Chart | None:
    """Validation metric by epoch: mean over seeds, their range, and the others in grey; None where none was logged."""
    found = {name: _curve(comparison, name) for name in comparison.names}
    curves = {name: curve for name, curve in found.items() if curve}
    if not curves:
        return None
    shown = [name for name in curves if name == comparison.baseline]
    shown = [*[name for name in curves if name not in shown][: _MOST - len(shown)], *shown]
    shown.sort(key=comparison.names.index)
    columns = min(_COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = Figure(figsize=(WIDE, 0.65 + 1.35 * rows), layout="constrained")
    add_legend(figure, roles(comparison, shown))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    means = {
        name: (list(c), [factor(comparison.metric) * float(np.mean(v)) for v in c.values()])
        for name, c in curves.items()
    }
    for axes, name in zip(panels, shown, strict=False):
        curve = curves[name]
        plain_axes(axes, grid="y")
        others = [list(zip(*line, strict=True)) for other, line in means.items() if other != name]
        axes.add_collection(LineCollection(others, colors=GRID, linewidths=0.9, zorder=1))
        colour = role_colour(comparison, name)
        steps, mean = means[name]
        low, high = ([factor(comparison.metric) * f(v) for v in curve.values()] for f in (min, max))
        axes.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0, zorder=2)
        axes.plot(steps, mean, color=colour, linewidth=1.7, zorder=3, marker="o" if len(steps) == 1 else None, ms=4)
        axes.set_title(short(name, 22), y=1, color=INK, fontweight="bold" if name in comparison.leading else "normal")
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    _limits(panels[0], [value for _, mean in means.values() for value in mean], comparison.metric)
    figure.supxlabel("epoch", fontsize=9, color=INK)
    caption = f"Validation {title(comparison.metric)} by epoch: the line is the mean over seeds, the band their range, "
    rest = f" The {len(shown) - 1} best and the baseline have panels." if len(shown) < len(curves) else ""
    best = {name: max(mean) for name, (_, mean) in means.items()}
    return Chart(
        "curves", "Validation by epoch", caption + f"grey the other poolings. One scale for all.{rest}",
        "; ".join(f"{name}: highest mean {value:.2f}" for name, value in best.items()), figure,
    )  # fmt: skip


def _curve(comparison: Comparison, name: str) -> Curve:
    """Epoch (1 = after the first) → value of each seed; the last value of an epoch counts."""
    column = f"val/{comparison.metric}"
    by_epoch: dict[float, list[float]] = defaultdict(list)
    for run in comparison.contender(name).runs.values():
        last = {
            line["epoch"] + 1: line[column]
            for line in read_curve(run)
            if math.isfinite(line.get(column, math.nan)) and math.isfinite(line.get("epoch", math.nan))
        }
        for epoch, value in list(last.items())[: _epochs(run.facts, last)]:
            by_epoch[epoch].append(value)
    return {epoch: tuple(by_epoch[epoch]) for epoch in sorted(by_epoch)}


def _epochs(facts: Mapping, last: Mapping[float, float]) -> int:
    """The best checkpoint is validated once more at the end, which is logged as a further epoch."""
    epochs = facts.get("epochs")
    return int(epochs) if isinstance(epochs, int) and epochs > 0 else len(last)


def _limits(axes, values: list[float], metric: str) -> None:  # noqa: ANN001
    """The first epoch can be far below: nine tenths of the points decide."""
    low, high = float(np.quantile(values, 0.1)), max(values)
    room = 0.08 * max(high - low, 0.005 * factor(metric))
    axes.set_ylim(max(min(values), low - 2.5 * (high - low)) - room, high + room)
