"""Every contender against a named baseline, with Holm's adjustment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolsweep.report.statistics.estimate import Estimate, t_estimate
from poolsweep.report.statistics.pairwise import Pairwise


@dataclass(frozen=True)
class ComparisonWithBaseline:
    """One contender minus the baseline: its own interval, Holm's p-value, and whether that is below 1 − level."""

    name: str
    estimate: Estimate
    adjusted_p: float
    differs: bool


def compare_with_baseline(
    pairwise: Pairwise, baseline: str, *, level: float = 0.95
) -> tuple[ComparisonWithBaseline, ...]:
    """Two-sided comparisons with the baseline that keep the chance of any false one under 1 − ``level``.

    Args:
        pairwise: All differences.
        baseline: The name of the contender that the others are held against.
        level: Joint confidence level.

    Raises:
        ValueError: If there is no contender of that name.

    Reference:
        Holm (1979), "A simple sequentially rejective multiple test procedure". Differs: none.

    Example:
        >>> from poolsweep.report.statistics.pairwise import pairwise_nested
        >>> by_seed = {"mean": {0: 0.90, 1: 0.92, 2: 0.91}, "cls": {0: 0.7, 1: 0.71, 2: 0.7}}
        >>> [(item.name, item.differs) for item in compare_with_baseline(pairwise_nested(by_seed), "cls")]
        [('mean', True)]
    """
    base = pairwise.index(baseline)
    others = [i for i in range(len(pairwise.names)) if i != base]
    adjusted = holm([float(pairwise.p_value[i, base]) for i in others])
    return tuple(
        ComparisonWithBaseline(
            name=pairwise.names[i],
            estimate=t_estimate(
                float(pairwise.value[i, base]),
                float(pairwise.standard_error[i, base]) ** 2,
                float(pairwise.df[i, base]),
                level=level,
            ),
            adjusted_p=float(p_value),
            differs=bool(p_value < 1 - level),
        )
        for i, p_value in zip(others, adjusted, strict=True)
    )


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Holm's step-down adjusted p-values, in the order given.

    The smallest p is multiplied by m, the next by m − 1 and so on, never below the one before, never above 1.

    Shape:
        p_values (m,); returns (m,).

    Reference:
        Holm (1979), "A simple sequentially rejective multiple test procedure". Differs: none.

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(3)
        array([0.03, 0.06, 0.06])
    """
    raw = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    steps = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1)).clip(max=1)
    adjusted = np.empty_like(raw)
    adjusted[order] = steps
    return adjusted
