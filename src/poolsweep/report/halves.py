"""The grid of layers by tokens, where both halves of the pooling were swept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolsweep.pooling.presets import half_name
from poolsweep.report.comparison import Comparison


@dataclass(frozen=True, eq=False)
class HalvesGrid:
    """Scores by the two halves.

    Attributes:
        layers: Names of the layer mixes, in the order of the rows.
        tokens: Names of the token poolings, in the order of the columns.
        names: The contender in each cell; empty where there is none.
        values: Its mean score; nan where there is none.

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
