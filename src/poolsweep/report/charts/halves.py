"""Layers by tokens, as a heat map."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from poolsweep.report.charts.style import HALF, LEAD, Cells, Chart, short, turn_names
from poolsweep.report.comparison import Comparison
from poolsweep.report.halves import HalvesGrid
from poolsweep.report.metric import hundredths, title


def halves_chart(comparison: Comparison, grid: HalvesGrid) -> Chart:
    """Mean score of every cell; those that could be the best are outlined."""
    rows, columns = grid.values.shape
    size = (max(HALF, 1.9 + 0.72 * columns), 1.3 + 0.42 * rows)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    cells = Cells(axes, [short(n, 20) for n in grid.layers], [short(n, 20) for n in grid.tokens])
    low, high = float(np.nanmin(grid.values)), float(np.nanmax(grid.values))
    for i, j in np.ndindex(rows, columns):
        value, name = float(grid.values[i, j]), grid.names[i][j]
        if name:
            leads = name in comparison.leading
            cells.fill(i, j, LEAD, 0.06 + 0.5 * (value - low) / max(high - low, 1e-9))
            cells.write(i, j, hundredths(value), size=8.5, bold=leads)
            if leads:
                cells.outline(i, j)
    cells.draw()
    turn_names(axes)
    best = np.unravel_index(np.nanargmax(grid.values), grid.values.shape)
    return Chart(
        "layers-tokens", "Layers by tokens",
        f"Mean test {title(comparison.metric)}; rows are layer mixes, columns token poolings. Outlined: could be best.",
        f"Highest: {grid.layers[best[0]]} with {grid.tokens[best[1]]}, {hundredths(float(grid.values[best]))}.", figure,
    )  # fmt: skip
