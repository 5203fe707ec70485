"""Over several data sets: mean ranks, and the critical difference between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
