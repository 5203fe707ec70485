"""All pairs of contenders: which differences hold up."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from poolsweep.metric_names import sign
from poolsweep.report.charts.style import BASE, GRID, LEAD, Cells, Chart, short, turn_names
from poolsweep.report.comparison import Comparison
from poolsweep.report.metric import p_text, points, signed
from poolsweep.statistics import Family

_STRONGEST = 0.55  # opacity; ink stays legible on it in light and dark
_WITH_P, _WITH_NUMBERS = 10, 16  # contenders up to which cells have room


def pairs_chart(comparison: Comparison) -> Chart | None:
    """A matrix, row minus column; None with fewer than two contenders to compare."""
    family = comparison.family
    if family is None or len(family.pairwise.names) < 2:
        return None
    num = len(family.pairwise.names)
    cell = 0.62 if num <= _WITH_P else 0.5 if num <= _WITH_NUMBERS else 0.34
    figure = Figure(figsize=(1.9 + cell * num, 1.5 + 0.72 * cell * num), layout="constrained")
    axes = figure.add_subplot()
    names = [short(name, 22) for name in family.pairwise.names]
    cells, largest = Cells(axes, names, names), max(float(np.abs(family.pairwise.value).max()), 1e-9)
    for i, j in np.ndindex(num, num):
        if i == j:
            cells.fill(i, j, GRID, 1.0)
        else:
            _cell(cells, i, j, family=family, largest=largest, metric=comparison.metric)
    cells.draw()
    turn_names(axes)
    count = num * (num - 1) // 2
    held = int((family.p_value[np.triu_indices(num, 1)] < 1 - family.level).sum())
    unit = ", in points" if points(comparison.metric) else ""
    return Chart(
        "pairs", "Which differences hold up?",
        f"Row minus column{unit}, with the p of the leaderboard, adjusted for all {count} pairs. Outlined: "
        "significant, p < 0.05.",
        f"{held} of {count} differences are significant.", figure,
    )  # fmt: skip


def _cell(cells: Cells, i: int, j: int, *, family: Family, largest: float, metric: str) -> None:
    value, p_value, num = float(family.pairwise.value[i, j]), float(family.p_value[i, j]), len(family.pairwise.names)
    holds, with_p = p_value < 1 - family.level, num <= _WITH_P
    cells.fill(i, j, LEAD if value > 0 else BASE, _STRONGEST * abs(value) / largest)
    if holds:
        cells.outline(i, j)
    if num <= _WITH_NUMBERS:
        cells.write(
            i - (0.12 if with_p else 0), j, signed(sign(metric) * value, metric), size=8 if with_p else 7, bold=holds
        )
    if with_p:
        cells.write(i + 0.22, j, f"p {p_text(p_value)}", size=6)
