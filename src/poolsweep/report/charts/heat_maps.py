"""Heat maps of means: layers by tokens where both halves of the pooling were swept, encoders by poolings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poolsweep.metric_names import sign
from poolsweep.pooling.presets import half_name
from poolsweep.report.charts.style import HALF, LEAD, MUTED, Cells, Chart, short, turn_names
from poolsweep.report.comparison import Comparison
from poolsweep.report.contenders import Contender
from poolsweep.report.encoders import EncoderGrid
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
    """Arrange the contenders by their halves; None unless two or more of each were crossed.

    Those that read long texts otherwise than the best are left out.
    """
    places: dict[tuple[str, str], str] = {}
    best = comparison.contender(comparison.names[0])
    first = best.key
    for name in comparison.names:
        key = comparison.contender(name).key
        if (key.encoder, key.regime) != (first.encoder, first.regime):
            continue
        pooling = _pooling_of(comparison.contender(name))
        if pooling.get("chunks") != _pooling_of(best).get("chunks"):
            continue
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


def _pooling_of(contender: Contender) -> Mapping[str, Any]:
    found = contender.any_run.config.get("pooling")
    return found if isinstance(found, Mapping) else {}


def _crossing(places: dict[tuple[str, str], str], side: int) -> list[str]:
    """The halves that occur with more than one partner, sorted: a heat map of the others would be a list."""
    partners: dict[str, set[str]] = {}
    for place in places:
        partners.setdefault(place[side], set()).add(place[1 - side])
    return sorted(name for name, others in partners.items() if len(others) > 1)


def halves_chart(comparison: Comparison, grid: HalvesGrid) -> Chart:
    """Mean score of every cell; those that could be the best are outlined."""
    rows, columns = grid.values.shape
    figure = Figure(figsize=(max(HALF, 1.9 + 0.72 * columns), 1.3 + 0.42 * rows), layout="constrained")
    cells = Cells(figure.add_subplot(), [short(n, 20) for n in grid.layers], [short(n, 20) for n in grid.tokens])
    _fill_scores(cells, comparison, grid.names, grid.values)
    best = np.unravel_index(np.nanargmax(sign(comparison.metric) * grid.values), grid.values.shape)
    return Chart(
        "layers-tokens", "Layers by tokens",
        f"Mean test {title(comparison.metric)}; rows are layer mixes, columns token poolings. Outlined: could be best."
        f"{_of_whom(comparison)}",
        f"Best mean: {grid.layers[best[0]]} with {grid.tokens[best[1]]}, "
        f"{shown(float(grid.values[best]), comparison.metric)}.", figure,
    )  # fmt: skip


def _of_whom(comparison: Comparison) -> str:
    """Whose halves these are, where several encoders or regimes compete."""
    key = comparison.contender(comparison.names[0]).key
    several = any(comparison.contender(name).key[::2] != key[::2] for name in comparison.names)
    return f" Of {key.encoder}, {key.regime}, which the best contender has." if several else ""


def encoders_chart(comparison: Comparison, grid: EncoderGrid, *, skipped: frozenset[tuple[str, str]]) -> Chart:
    """Mean score of every cell; those that could be the best are outlined.

    Args:
        comparison: Any.
        grid: What ``encoder_grid`` gave.
        skipped: Encoder and pooling of pairs that cannot be.
    """
    rows, columns = grid.values.shape
    figure = Figure(figsize=(max(HALF, 2.2 + 0.78 * columns), 1.4 + 0.42 * rows), layout="constrained")
    cells = Cells(figure.add_subplot(), [short(n, 24) for n in grid.rows], [short(n, 20) for n in grid.columns])
    for i, j in zip(*np.nonzero(np.array(grid.names) == ""), strict=True):
        encoder = grid.rows[i].rpartition("/")[0] or grid.rows[i]
        gone = (grid.rows[i], grid.columns[j]) in skipped or (encoder, grid.columns[j]) in skipped
        cells.fill(i, j, MUTED, 0.08)
        cells.write(i, j, "cannot be" if gone else "–", size=6.5 if gone else 8.5)
    _fill_scores(cells, comparison, grid.names, grid.values)
    return Chart(
        "encoders", "Encoders by poolings",
        f"Test {title(comparison.metric)}, mean over {comparison.group.wording.noun}. Outlined: could be "
        "the best of all.",
        "; ".join(f"{n}: {shown(comparison.summaries[n].mean, comparison.metric)}"
                  for row in grid.names for n in row if n), figure,
    )  # fmt: skip


def _fill_scores(
    cells: Cells, comparison: Comparison, names: Sequence[Sequence[str]], values: NDArray[np.float64]
) -> None:
    """Draw the cells that have a contender, the deeper the better; those that could be the best are outlined."""
    better = sign(comparison.metric) * values
    low, high = float(np.nanmin(better)), float(np.nanmax(better))
    for i, j in np.ndindex(*values.shape):
        if name := names[i][j]:
            leads = name in comparison.leading
            cells.fill(i, j, LEAD, 0.06 + 0.5 * (float(better[i, j]) - low) / max(high - low, 1e-9))
            cells.write(i, j, shown(float(values[i, j]), comparison.metric), size=8.5, bold=leads)
            if leads:
                cells.outline(i, j)
    cells.draw()
    turn_names(cells.axes)
