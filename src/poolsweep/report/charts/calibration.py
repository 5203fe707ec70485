"""Reliability diagrams."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from poolsweep.report.calibration import NUM_BINS, Calibration
from poolsweep.report.charts.style import HALF, INK, MUTED, Chart, plain_axes, short


def calibration_chart(found: Mapping[str, Calibration], colours: Mapping[str, str]) -> Chart:
    """Share that is right by confidence, a panel per contender, with how many predictions fall where.

    Args:
        found: By contender.
        colours: By contender.
    """
    figure = Figure(figsize=(HALF if len(found) > 1 else HALF / 2, 3.3), layout="constrained")
    panels = figure.subplots(2, len(found), sharex=True, sharey="row", squeeze=False, height_ratios=[4, 1])
    edges = (np.arange(NUM_BINS) + 0.5) / NUM_BINS
    for column, (name, one) in enumerate(found.items()):
        above, below = panels[0][column], panels[1][column]
        plain_axes(above, grid="y")
        plain_axes(below)
        above.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        filled = one.count > 0
        x, y = one.confidence[filled], one.accuracy[filled]
        above.vlines(x, np.minimum(x, y), np.maximum(x, y), color=colours[name], alpha=0.35, linewidth=3)
        above.plot(x, y, color=colours[name], marker="o", markersize=4.5, linewidth=1.2)
        above.set_title(f"{short(name, 20)}\nECE {one.error:.3f}")
        above.set_xlim(0, 1)
        above.set_ylim(0, 1.02)
        below.bar(edges, one.count / one.count.sum(), width=0.9 / NUM_BINS, color=colours[name], alpha=0.6)
        below.set_yticks([])
        below.set_xlabel("confidence")
    panels[0][0].set_ylabel("share right")
    panels[1][0].set_ylabel("share", color=INK)
    return Chart(
        "calibration", "Calibration",
        "Of the predictions made with some confidence, the share that is right. On the dashed line probabilities can "
        "be taken at their word; below it they are too sure. ECE is the mean distance from it (15 bins, over seeds).",
        "; ".join(f"{name}: expected calibration error {one.error:.3f}" for name, one in found.items()), figure,
    )  # fmt: skip
