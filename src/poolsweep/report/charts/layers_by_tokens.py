"""Layers by tokens as a heat map, where both halves of the pooling were swept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poolsweep.pooling.presets import half_name
from poolsweep.report.charts.style import HALF, LEAD, Cells, Chart, short, turn_names
from poolsweep.report.comparison import Comparison
from poolsweep.report.metric import shown, title


@dataclass(frozen=True, eq=False)
class HalvesGrid:
    """Scores by the two halves.

    Attributes:
        layers: Names of the layer mixes, in the order of the rows.
        tokens: Names of the token poolings, in the order of the columns.
        names: The contender in each cell; empty where there is none.
        values: Mean score of that contender; nan where there is none.

    Shape:
        names, values (len(layers), len(tokens)).
    """

    layers: tuple[str, ...]
    tokens: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    values: NDArray[np.float64]


def halves_grid(comparison: Comparison) -> HalvesGrid | None:
    """Arrange the contenders by their halves; None unless two or more of each were crossed."""
    places: dict[tuple[str, str], str] = {}
    for name in comparison.names:
        pooling = comparison.contender(name).any_run.config.get("pooling") or {}
        try:
            place = half_name("layers", pooling["layers"]), half_name("tokens", pooling["tokens"])
        except (KeyError, TypeError):
            continue
        places.setdefault(place, name)
    layers, tokens = (_crossing(places, side) for side in (0, 1))
    kept = {place: name for place, name in places.items() if place[0] in layers and place[1] in tokens}
    layers = [name for name in layers if any(place[0] == name for place in kept)]
    tokens = [name for name in tokens if any(place[1] == name for place in kept)]
    if len(layers) < 2 or len(tokens) < 2 or len(kept) < 4:
        return None
    names = tuple(tuple(kept.get((row, column), "") for column in tokens) for row in layers)
    values = np.array([[comparison.summaries[n].mean if n else np.nan for n in row] for row in names])
    return HalvesGrid(tuple(layers), tuple(tokens), names, values)


def _crossing(places: dict[tuple[str, str], str], side: int) -> list[str]:
    """The halves that occur with more than one partner, sorted: a heat map of the others would be a list."""
    partners: dict[str, set[str]] = {}
    for place in places:
        partners.setdefault(place[side], set()).add(place[1 - side])
    return sorted(name for name, others in partners.items() if len(others) > 1)


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
            cells.write(i, j, shown(value), size=8.5, bold=leads)
            if leads:
                cells.outline(i, j)
    cells.draw()
    turn_names(axes)
    best = np.unravel_index(np.nanargmax(grid.values), grid.values.shape)
    return Chart(
        "layers-tokens", "Layers by tokens",
        f"Mean test {title(comparison.metric)}; rows are layer mixes, columns token poolings. Outlined: could be best.",
        f"Highest: {grid.layers[best[0]]} with {grid.tokens[best[1]]}, {shown(float(grid.values[best]))}.", figure,
    )  # fmt: skip
