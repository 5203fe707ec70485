"""Over several data sets: mean ranks, and the critical-difference diagram."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poolsweep.metric_names import sign
from poolsweep.report.charts.style import INK, LEAD, MUTED, WIDE, Chart, short
from poolsweep.report.comparison import Comparison
from poolsweep.report.contender_key import ContenderKey, contender_names
from poolsweep.statistics import CriticalDifference, critical_difference


@dataclass(frozen=True, eq=False)
class Across:
    """The contenders that every data set has, over all of them.

    Attributes:
        comparisons: One per data set.
        keys: Name → contender, best mean rank first; named by what not all of these share.
        means: Score by data set and contender.
        left_out: Contenders that some data set lacks.
        ranking: Mean ranks, Friedman's test and Nemenyi's groups.

    Shape:
        means (D, K).
    """

    comparisons: tuple[Comparison, ...]
    keys: Mapping[str, ContenderKey]
    means: NDArray[np.float64]
    left_out: tuple[str, ...]
    ranking: CriticalDifference

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the contenders, best mean rank first."""
        return tuple(self.keys)

    @property
    def overall(self) -> tuple[float, ...]:
        """The mean over data sets of each contender's score."""
        return tuple(float(mean) for mean in self.means.mean(axis=0))

    def row(self, name: str) -> list[tuple[float, bool]]:
        """The score of a contender on each data set, and whether it could be the best there."""
        own = [comparison.group.names[self.keys[name]] for comparison in self.comparisons]
        several = zip(self.comparisons, own, strict=True)
        return [(comparison.summaries[one].mean, one in comparison.leading) for comparison, one in several]


def across_data_sets(comparisons: Sequence[Comparison]) -> list[Across]:
    """One for each metric by which two data sets or more have two contenders or more in common.

    Args:
        comparisons: One for each data set.
    """
    found = []
    for metric in dict.fromkeys(comparison.metric for comparison in comparisons):
        several = tuple(c for c in comparisons if c.metric == metric)
        scores = [{c.contender(name).key: c.summaries[name].mean for name in c.names} for c in several]
        names = contender_names([*dict.fromkeys(key for by_key in scores for key in by_key)])
        common = {name: key for key, name in names.items() if all(key in by_key for by_key in scores)}
        if len(several) < 2 or len(common) < 2:
            continue
        values = np.array([[by_key[key] for key in common.values()] for by_key in scores])
        ranking = critical_difference([*common], sign(metric) * values)
        keys = {name: common[name] for name in ranking.names}
        order = [[*common].index(name) for name in keys]
        left_out = tuple(name for name in names.values() if name not in common)
        found.append(Across(several, keys, values[:, order], left_out, ranking))
    return found


def sentence(across: Across) -> str:
    """The hedged answer over data sets."""
    ranking, num = across.ranking, len(across.comparisons)
    best = ranking.names[0]
    with_best = [name for group in ranking.groups if best in group for name in group if name != best]
    start = f"Over {num} data sets {best} has the best mean rank ({ranking.mean_ranks[0]:.2f})"
    if not with_best:
        end = "; every other contender is behind it by more than the critical difference."
    elif len(with_best) == len(ranking.names) - 1:
        end = ", but no contender is behind it by more than the critical difference."
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
        f"1 is best. A bar joins those whose mean ranks lie within the critical difference, "
        f"{ranking.critical_difference:.2f} (Nemenyi, 95%); Friedman's test (Iman, Davenport): p = {p_value:.3f}.",
        "; ".join(f"{n}: {r:.2f}" for n, r in zip(ranking.names, ranking.mean_ranks, strict=True)), figure,
    )  # fmt: skip
