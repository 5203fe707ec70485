"""The critical-difference diagram over data sets."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from poolsweep.report.across import Across
from poolsweep.report.charts.style import INK, LEAD, MUTED, WIDE, Chart, short


def ranks_chart(across: Across) -> Chart:
    """Mean ranks on a line; bars join those that are no further apart than the critical difference."""
    ranking = across.ranking
    num = len(ranking.names)
    half = math.ceil(num / 2)
    bars = len(ranking.groups)
    depth = 0.55 + 0.16 * bars
    figure = Figure(figsize=(WIDE, 0.9 + 0.24 * half + 0.14 * bars), layout="constrained")
    axes = figure.add_subplot()
    axes.axis("off")
    axes.set_xlim(1 - 0.3 * (num - 1), num + 0.3 * (num - 1))
    axes.set_ylim(depth + 0.3 * half + 0.15, -0.75)
    axes.plot([1, num], [0, 0], color=INK, linewidth=1.2)
    for rank in range(1, num + 1):
        axes.plot([rank, rank], [0, -0.09], color=INK, linewidth=1)
        axes.text(rank, -0.2, str(rank), ha="center", va="bottom", fontsize=8.5, color=MUTED)
    for i, (name, rank) in enumerate(zip(ranking.names, ranking.mean_ranks, strict=True)):
        left = i < half
        level = depth + (0.3 * i if left else 0.3 * (num - 1 - i) + 0.15)  # equal ranks must not share a line
        edge = 1 - 0.04 * (num - 1) if left else num + 0.04 * (num - 1)
        axes.plot([rank, rank, edge], [0, level, level], color=MUTED, linewidth=0.8)
        axes.text(edge, level, f"{short(name)}  {rank:.2f}" if left else f"{rank:.2f}  {short(name)}",
                  ha="right" if left else "left", va="center", fontsize=8.5, color=INK)  # fmt: skip
    for i, group in enumerate(ranking.groups):
        ends = [float(ranking.mean_ranks[ranking.names.index(name)]) for name in (group[0], group[-1])]
        level = 0.25 + 0.16 * i
        axes.plot([ends[0] - 0.04, ends[1] + 0.04], [level, level], color=LEAD, linewidth=4, alpha=0.8)
    p_value = ranking.friedman.f_p_value
    return Chart(
        "ranks", "Mean ranks over data sets",
        f"1 is best. A bar joins poolings whose mean ranks lie within the critical difference, "
        f"{ranking.critical_difference:.2f} (Nemenyi, 95%); Friedman's test (Iman, Davenport): p = {p_value:.3f}.",
        "; ".join(f"{n}: {r:.2f}" for n, r in zip(ranking.names, ranking.mean_ranks, strict=True)), figure,
    )  # fmt: skip
