"""Every seed of every contender, with the mean and its interval."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from poolsweep.report.charts.style import BASE, INK, MUTED, REST, WIDE, Chart, plain_axes, role_colour, short
from poolsweep.report.comparison import Comparison
from poolsweep.report.metric import hundredths, title

_SHAPES = ("o", "s", "^", "D", "v", "P")


def seeds_chart(comparison: Comparison) -> Chart:
    """A strip per contender."""
    names = comparison.names
    figure = Figure(figsize=(WIDE, 0.75 + 0.3 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    plain_axes(axes, grid="x")
    if comparison.baseline:
        mean = 100 * comparison.summaries[comparison.baseline].mean
        axes.axvline(mean, color=BASE, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    _bars(axes, comparison)
    _marks(axes, comparison)
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
    return Chart(
        "seeds", "Every seed",
        f"A mark per seed{_same(comparison)}, a bar for the 95% t interval over seeds, a line across for the mean. "
        f"{_legend(comparison)}",
        "; ".join(f"{n}: mean {hundredths(comparison.summaries[n].mean)}" for n in names), figure,
    )  # fmt: skip


def _bars(axes, comparison: Comparison) -> None:  # noqa: ANN001
    """All contenders' intervals and means at once."""
    summaries = [comparison.summaries[name] for name in comparison.names]
    places = [place for place, summary in enumerate(summaries) if not math.isnan(summary.low)]
    low, high = ([100 * getattr(summaries[place], end) for place in places] for end in ("low", "high"))
    colours = [role_colour(comparison, comparison.names[place]) for place in places]
    axes.hlines(places, low, high, colors=colours, linewidth=9, alpha=0.22, zorder=2)
    below, above = ([place + end for place in range(len(summaries))] for end in (-0.3, 0.3))
    axes.vlines([100 * summary.mean for summary in summaries], below, above, colors=INK, linewidth=1.8,
                capstyle="round", zorder=4)  # fmt: skip


def _marks(axes, comparison: Comparison) -> None:  # noqa: ANN001
    """All contenders' values of one seed at a time; few seeds have shapes of their own, so that pairs can be seen."""
    seeds = _seeds(comparison)
    for i, seed in enumerate(seeds):
        found = [(place, name) for place, name in enumerate(comparison.names) if seed in comparison.values[name]]
        axes.scatter(
            [100 * comparison.values[name][seed] for _, name in found], [place for place, _ in found],
            s=26, marker=_SHAPES[i] if len(seeds) <= len(_SHAPES) else "o", alpha=0.75, linewidth=0, zorder=3,
            color=[role_colour(comparison, name) for _, name in found],
        )  # fmt: skip


def _seeds(comparison: Comparison) -> list[int]:
    return sorted({seed for by_seed in comparison.values.values() for seed in by_seed})


def _same(comparison: Comparison) -> str:
    return " (the same shape, the same seed)" if 1 < len(_seeds(comparison)) <= len(_SHAPES) else ""


def _limits(axes, comparison: Comparison) -> None:  # noqa: ANN001
    """Intervals of two seeds can be absurdly wide: the seeds must stay legible."""
    values = [100 * value for by_seed in comparison.values.values() for value in by_seed.values()]
    low, high = min(values), max(values)
    room = max(high - low, 0.5)
    left, right = axes.get_xlim()
    axes.set_xlim(max(left, low - room), min(right, high + room))


def _legend(comparison: Comparison) -> str:
    parts = ["Blue could be the best"] if comparison.leading else []
    parts += [f"orange is the baseline {comparison.baseline}, its mean dashed"] if comparison.baseline else []
    parts += ["grey the others"] if any(role_colour(comparison, n) == REST for n in comparison.names) else []
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _numbers(comparison: Comparison, name: str) -> str:
    summary = comparison.summaries[name]
    spread = "" if math.isnan(summary.low) else f" ± {hundredths(summary.high - summary.mean)}"
    return f"{hundredths(summary.mean)}{spread}"
