"""What predictions look like where a text has no single class: predicted against target, and F1 by label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poolsweep.report.charts.style import BASE, HALF, INK, LEAD, MUTED, Chart, add_legend, mark, plain_axes, short
from poolsweep.report.predicted import Predicted

_DOTS, _LABELS = 2000, 30


def scatter_chart(found: Mapping[str, Sequence[Predicted]], colours: Mapping[str, str]) -> Chart:
    """Predicted against target, the mean over runs, a panel per contender.

    Args:
        found: Contender → predictions of its runs; those on the texts of its first run are shown.
        colours: By contender.
    """
    figure = Figure(figsize=(HALF if len(found) > 1 else HALF / 2 + 0.5, 3.0), layout="constrained")
    panels = figure.subplots(1, len(found), sharex=True, sharey=True, squeeze=False)[0]
    told = []
    for axes, (name, runs) in zip(panels, found.items(), strict=True):
        same = [one for one in runs if one.rows_hash == runs[0].rows_hash]
        targets = runs[0].targets.astype(np.float64).ravel()
        predicted = np.mean([one.predicted.astype(np.float64).ravel() for one in same], axis=0)
        kept = np.linspace(0, len(targets) - 1, min(len(targets), _DOTS)).astype(int)
        ends = [float(min(targets.min(), predicted.min())), float(max(targets.max(), predicted.max()))]
        plain_axes(axes, grid="y")
        axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.scatter(targets[kept], predicted[kept], s=9, color=colours[name], alpha=0.35, linewidth=0)
        axes.set_title(short(name, 24))
        axes.set_xlabel("target")
        told.append(f"{name}: mean absolute error {np.abs(predicted - targets).mean():.4f}")
    panels[0].set_ylabel("predicted")
    return Chart(
        "scatter", "Predicted against target",
        f"A dot per test text, its prediction the mean over runs; {_DOTS:,} of them at most. The dashed line is where "
        "both are equal.",
        "; ".join(told), figure,
    )  # fmt: skip


def label_f1(runs: Sequence[Predicted]) -> NDArray[np.float64]:
    """F1 of each label, the mean over runs; nan where no run's texts have it and none is predicted.

    Shape:
        returns (C,).
    """
    scores = []
    for one in runs:
        has, gets = one.targets.astype(bool), one.predicted.astype(bool)
        count = (has.sum(axis=0) + gets.sum(axis=0)).astype(np.float64)
        scores.append(
            np.divide(2.0 * (has & gets).sum(axis=0), count, out=np.full(len(count), np.nan), where=count > 0)
        )
    table = np.array(scores)
    known = (~np.isnan(table)).sum(axis=0)
    return np.divide(np.nansum(table, axis=0), known, out=np.full(table.shape[1], np.nan), where=known > 0)


def label_f1_chart(found: Mapping[str, Sequence[Predicted]]) -> Chart:
    """F1 of each label, a dot for each of two contenders, the commonest labels first.

    Args:
        found: The best, and the baseline unless that is the best → predictions of its runs.
    """
    first = next(iter(found.values()))[0]
    counts = first.targets.astype(bool).sum(axis=0)
    shown = sorted(range(len(counts)), key=lambda i: -counts[i])[:_LABELS]
    figure = Figure(figsize=(HALF, 1.2 + 0.24 * len(shown)), layout="constrained")
    colours = dict(zip(found, (LEAD, BASE), strict=False))
    add_legend(figure, [mark("o", colours[name], short(name)) for name in found])
    axes = figure.add_subplot()
    plain_axes(axes, grid="x")
    scores = {name: label_f1(runs) for name, runs in found.items()}
    for name, values in reversed(scores.items()):
        axes.scatter(100 * values[shown], range(len(shown)), s=30, color=colours[name], linewidth=0, zorder=3)
    axes.set_yticks(range(len(shown)), [f"{short(first.names[i], 24)}  ({counts[i]:,})" for i in shown], color=INK)
    axes.set_ylim(len(shown) - 0.3, -0.7)
    axes.set_xlabel("F1 in % (mean over runs)")
    rest = f" The {_LABELS} commonest labels of {len(counts)}." if len(counts) > _LABELS else ""
    return Chart(
        "label-f1", "F1 by label", f"In brackets the number of test texts that have the label.{rest}",
        "; ".join(f"{first.names[i]}: {', '.join(f'{100 * v[i]:.1f}' for v in scores.values())}" for i in shown),
        figure,
    )  # fmt: skip
