"""Encoders by poolings: the scores as a table, and whether the best pooling depends on the encoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolsweep.metric_names import sign
from poolsweep.report.comparison import Comparison
from poolsweep.report.differences import resampling, split_scores
from poolsweep.report.metric import p_text, points, signed
from poolsweep.statistics import Interaction, interaction_test

_FEWEST = 3  # seeds; with two the test finds next to nothing
_NAMED = 2  # cells that depart most from the sum of encoder and pooling


@dataclass(frozen=True, eq=False)
class EncoderGrid:
    """Scores by encoder and pooling.

    Attributes:
        rows: Encoders, with their regimes where there are several of these.
        columns: Poolings, best mean first.
        names: The contender in each cell; empty where there is none.
        values: Mean score of that contender; nan where there is none.
        interaction: Test of whether differences between poolings are the same for all rows; None where it says nothing.

    Shape:
        names, values (len(rows), len(columns)).
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    values: NDArray[np.float64]
    interaction: Interaction | None


def encoder_grid(comparison: Comparison) -> EncoderGrid | None:
    """Arrange the contenders; None unless two encoders or regimes have two poolings or more."""
    regimes = {comparison.contender(name).key.regime for name in comparison.names}
    places: dict[tuple[str, str], str] = {}
    for name in comparison.names:
        key = comparison.contender(name).key
        places[f"{key.encoder}/{key.regime}" if len(regimes) > 1 else key.encoder, key.pooling] = name
    rows = sorted({row for row, _ in places})
    columns = list(dict.fromkeys(column for _, column in places))  # best first, as the contenders are
    if len(rows) < 2 or len(columns) < 2:
        return None
    names = tuple(tuple(places.get((row, column), "") for column in columns) for row in rows)
    values = np.array([[comparison.summaries[n].mean if n else np.nan for n in row] for row in names])
    return EncoderGrid(tuple(rows), tuple(columns), names, values, _interaction(comparison, places))


def _interaction(comparison: Comparison, places: dict[tuple[str, str], str]) -> Interaction | None:
    """The test over what the verdict is about: contenders that a race stopped are left out."""
    if comparison.basis == "splits" and comparison.splits is not None and comparison.predictions:
        tables = split_scores(comparison.group, comparison.metric, comparison.predictions, comparison.splits)
        cells = {place: tables[name] for place, name in places.items() if name in tables}
        return interaction_test(cells, resampling(comparison.group, comparison.splits)) if cells else None
    judged = [name for name in comparison.in_the_running if name in comparison.compared]
    scores = {place: comparison.scores[n] for place, n in places.items() if n in judged and n in comparison.scores}
    return interaction_test(scores) if scores else None


def does_it_depend(comparison: Comparison, grid: EncoderGrid | None) -> str:
    """Whether the best pooling depends on the encoder, in a sentence or two; empty without a grid.

    Args:
        comparison: Any.
        grid: What ``encoder_grid`` gave.
    """
    if grid is None:
        return ""
    best = {}
    for row, names, values in zip(grid.rows, grid.names, sign(comparison.metric) * grid.values, strict=True):
        if any(names):
            best[row] = grid.columns[int(np.nanargmax(values))]
    if len(set(best.values())) == 1:
        highest = f"With each the best mean is that of {next(iter(best.values()))}."
    else:
        highest = f"The best mean is that of {', '.join(f'{pooling} with {row}' for row, pooling in best.items())}."
    test = grid.interaction
    start = "Does the best pooling depend on the encoder?"
    few = comparison.splits is None and any(
        not scores.deterministic and len(scores.seeds) < _FEWEST for scores in comparison.scores.values()
    )
    if test is None or np.isnan(test.p_value) or few:
        return f"{start} {highest} Whether that would hold with other seeds is not known: it takes 3 seeds or splits."
    p = p_text(test.p_value)
    told = f"F({test.df:.1f}, {test.error_df:.1f}) = {test.statistic:.2f}, p {p if p[0] == '<' else f'= {p}'}"
    if test.p_value >= 0.05:
        return f"{start} There is no sign of it ({told}). {highest}"
    far = sorted(test.departures.items(), key=lambda item: -abs(item[1]))[:_NAMED]
    better = sign(comparison.metric)
    cells = ", ".join(
        f"{row} × {column} {signed(better * gap, comparison.metric)}{points(comparison.metric)}"
        for (row, column), gap in far
    )
    return f"{start} Differences between poolings do ({told}). {highest} Farthest from the sum of both: {cells}."
