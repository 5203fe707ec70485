"""Over several data sets: mean ranks, and the critical-difference diagram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poolsweep.report.charts.style import INK, LEAD, MUTED, WIDE, Chart, short
from poolsweep.report.comparison import Comparison
from poolsweep.statistics import CriticalDifference, critical_difference


@dataclass(frozen=True, eq=False)
class Across:
    """The contenders that every data set has, over all of them.

    Attributes:
        encoder: What all of it was run with.
        comparisons: One per data set.
        names: Best mean rank first.
        means: Score by data set and contender.
        left_out: Contenders that some data set lacks.
        ranking: Mean ranks, Friedman's test and Nemenyi's groups.

    Shape:
        means (D, K).
    """

    encoder: str
    comparisons: tuple[Comparison, ...]
    names: tuple[str, ...]
    means: NDArray[np.float64]
    left_out: tuple[str, ...]
    ranking: CriticalDifference

    @property
    def overall(self) -> tuple[float, ...]:
        """The mean over data sets of each contender's score."""
        return tuple(float(mean) for mean in self.means.mean(axis=0))


def across_data_sets(comparisons: Sequence[Comparison]) -> list[Across]:
    """One for each encoder that ran on two data sets or more with two poolings or more in common."""
    found = []
    for encoder in dict.fromkeys(comparison.group.encoder for comparison in comparisons):
        several = tuple(c for c in comparisons if c.group.encoder == encoder)
        everyone = dict.fromkeys(name for c in several for name in c.names)
        common = [name for name in everyone if all(name in c.summaries for c in several)]
        if len(several) < 2 or len(common) < 2:
            continue
        values = np.array([[c.summaries[name].mean for name in common] for c in several])
        ranking = critical_difference(common, values)
        order = [common.index(name) for name in ranking.names]
        left_out = tuple(name for name in everyone if name not in common)
        found.append(Across(encoder, several, ranking.names, values[:, order], left_out, ranking))
    return found


def sentence(across: Across) -> str:
    """The hedged answer over data sets."""
    ranking, num = across.ranking, len(across.comparisons)
    best = ranking.names[0]
    with_best = [name for group in ranking.groups if best in group for name in group if name != best]
    start = f"Over {num} data sets {best} has the best mean rank ({ranking.mean_ranks[0]:.2f})"
    if not with_best:
        end = "; every other pooling is behind it by more than the critical difference."
    elif len(with_best) == len(ranking.names) - 1:
        end = ", but no pooling is behind it by more than the critical difference."
    else:
        end = f", but {', '.join(with_best)} lie within the critical difference of it."
    few = f" With {num} data sets ranks separate next to nothing." if num < 6 else ""
    return start + end + few


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
