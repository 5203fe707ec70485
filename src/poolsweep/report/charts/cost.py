"""What contenders cost, against their score, with the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullLocator

from poolsweep.metric_names import sign
from poolsweep.report.charts.style import (
    INK,
    MUTED,
    SURFACE,
    WIDE,
    Chart,
    add_legend,
    plain_axes,
    role_colour,
    roles,
    short,
)
from poolsweep.report.comparison import Comparison
from poolsweep.report.metric import factor, title
from poolsweep.report.run_notes import load_note

_HEIGHT = 3.5


@dataclass(frozen=True)
class Cost:
    """One kind of cost of every contender.

    Attributes:
        name: For an axis, with its unit.
        values: By contender; those it was not measured of are left out.
        front: The contenders that none beats in both cost and score, cheapest first.
    """

    name: str
    values: Mapping[str, float]
    front: tuple[str, ...]


def costs(comparison: Comparison) -> list[Cost]:
    """Time, memory and size of the pooled vector; kinds that were not measured are left out."""
    means = {name: sign(comparison.metric) * comparison.summaries[name].mean for name in comparison.names}
    kinds = {
        **({"CPU seconds per run": ("cpu_seconds",)} if load_note(comparison) else {"seconds per run": ("seconds",)}),
        "peak GPU memory, MiB": ("peak_memory_mib", "gpu"),
        "peak memory, MiB": ("peak_memory_mib", "process"),
        "size of the pooled vector": ("parameters", "pooled_size"),
    }
    found = []
    for unit, keys in kinds.items():
        values = {name: comparison.contender(name).typical(*keys) for name in comparison.names}
        values = {name: value for name, value in values.items() if math.isfinite(value)}
        if values and not (keys[-1] == "process" and any("GPU" in cost.name for cost in found)):
            found.append(Cost(unit, values, pareto_front(values, means)))
    return found


def pareto_front(cost: Mapping[str, float], score: Mapping[str, float]) -> tuple[str, ...]:
    """Those that no other matches at lower cost or beats at equal cost, cheapest first.

    Example:
        >>> pareto_front({"a": 1, "b": 2, "c": 3, "d": 3}, {"a": 0.5, "b": 0.4, "c": 0.7, "d": 0.6})
        ('a', 'c')
    """
    front: list[str] = []
    for name in sorted(cost, key=lambda name: (cost[name], -score[name])):
        if not front or score[name] > score[front[-1]]:
            front.append(name)
    return tuple(front)


def cost_chart(comparison: Comparison, costs: Sequence[Cost]) -> Chart | None:
    """A panel per kind of cost; None where none was measured, or there is one contender."""
    if not costs or len(comparison.names) < 2:
        return None
    figure = Figure(figsize=(WIDE, _HEIGHT))
    figure.set_layout_engine("constrained", w_pad=0.12)
    add_legend(figure, roles(comparison, comparison.names))
    panels = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
    for axes, cost in zip(panels, costs, strict=True):
        _panel(axes, comparison, cost)
    panels[0].set_ylabel(f"test {title(comparison.metric)}")
    side = "Up" if sign(comparison.metric) == 1 else "Down"
    return Chart(
        "cost", "Cost against score",
        f"{side} and to the left is better. The line is the Pareto front: nothing else scores as well for as little. "
        "Bars are 95% intervals of the mean; times and memory are medians over runs, and compare only on one machine.",
        "; ".join(f"{cost.name}, Pareto front: {', '.join(cost.front)}" for cost in costs), figure,
    )  # fmt: skip


def _panel(axes, comparison: Comparison, cost: Cost) -> None:  # noqa: ANN001
    plain_axes(axes, grid="y")
    score = {name: factor(comparison.metric) * comparison.summaries[name].mean for name in cost.values}
    front = [(cost.values[name], score[name]) for name in cost.front]
    steps_x, steps_y = [front[0][0]], [front[0][1]]
    for x, y in front[1:]:
        steps_x += [x, x]
        steps_y += [steps_y[-1], y]
    axes.plot(steps_x, steps_y, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    _marks(axes, comparison, cost, score)
    smallest, largest = min(cost.values.values()), max(cost.values.values())
    if smallest > 0 and largest / smallest > 3:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.xaxis.set_minor_locator(NullLocator())
        ticks = sorted(set(cost.values.values()))
        if len(ticks) <= 5:
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    values = list(score.values())
    room = max(max(values) - min(values), 0.005 * factor(comparison.metric))
    axes.set_ylim(min(values) - 0.45 * room, max(values) + 0.45 * room)
    axes.margins(x=0.18)
    axes.set_xlabel(cost.name)
    _names(axes, comparison, cost, score)


def _marks(axes, comparison: Comparison, cost: Cost, score: dict[str, float]) -> None:  # noqa: ANN001
    """All contenders' intervals and means at once: a call for each would take most of a chart's time."""
    colours = {name: role_colour(comparison, name) for name in cost.values}
    bars = [name for name in cost.values if not math.isnan(comparison.summaries[name].low)]
    low, high = (
        [factor(comparison.metric) * getattr(comparison.summaries[n], end) for n in bars] for end in ("low", "high")
    )
    axes.vlines([cost.values[name] for name in bars], low, high, colors=[colours[name] for name in bars], alpha=0.3,
                linewidth=2, capstyle="round", zorder=2)  # fmt: skip
    filled = [colours[name] if name in cost.front else "none" for name in cost.values]
    axes.scatter(list(cost.values.values()), list(score.values()), s=42, facecolors=filled,
                 edgecolors=list(colours.values()), linewidth=1.4, zorder=3)  # fmt: skip


def _names(axes, comparison: Comparison, cost: Cost, score: dict[str, float]) -> None:  # noqa: ANN001
    """Names of the front, the baseline and those tied with the best, apart from each other."""
    named = [*cost.front, *(name for name in (comparison.baseline, *comparison.leading) if name in cost.values)]
    bottom, top = axes.get_ylim()
    step, taken = (top - bottom) * 0.075, []
    for name in sorted(dict.fromkeys(named), key=lambda name: -score[name]):
        place = min([score[name] + 0.6 * step, *(other - step for other in taken)])
        taken.append(place)
        left = cost.values[name] <= math.sqrt(max(min(cost.values.values()), 1e-9) * max(cost.values.values()))
        axes.annotate(
            short(name, 18), (cost.values[name], place), textcoords="offset points", xytext=(6 if left else -6, 0),
            ha="left" if left else "right", va="center", fontsize=8, color=INK, zorder=2.5,
            bbox={"facecolor": SURFACE, "edgecolor": "none", "alpha": 0.85, "pad": 0.6},  # no line strikes a name
        )  # fmt: skip
