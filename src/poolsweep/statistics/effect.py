"""How large a difference is, beside whether it is real."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from poolsweep.statistics.estimate import sample_variance


@dataclass(frozen=True)
class EffectSize:
    """The size of a paired difference, in units of its spread over seeds and in shares of wins.

    ``cohen_d`` and ``hedges_g`` are nan with fewer than 2 and 3 seeds, and where all seeds agree: a spread of 0 is no
    unit.
    ``seed_win_share`` and ``example_win_share`` count ties half; ``decided_share`` is how often the two differ on an
    example.
    """

    cohen_d: float
    hedges_g: float
    seed_win_share: float
    example_win_share: float
    decided_share: float


def effect_size(differences: ArrayLike) -> EffectSize:
    """Paired Cohen's d over seeds, its small-sample correction, and win shares over seeds and examples.

    d = mean / sd of the seeds' mean differences; g = J(S−1) · d with J(m) = Γ(m/2) / (√(m/2) Γ((m−1)/2)), which takes
    20% off at 5 seeds.

    Shape:
        differences (S, N), as :func:`~poolsweep.statistics.paired_differences` gives them.

    Raises:
        ValueError: If there are no differences.

    Reference:
        Hedges (1981), "Distribution theory for Glass's estimator of effect size", eq. 6e; Vargha, Delaney (2000), "A
        critique and improvement of the CL common language effect size", for ties. Differs: d is paired (d_z).

    Example:
        >>> effect = effect_size([[0, 1, 0, 0], [1, 0, 0, 1], [1, 0, 1, 1]])
        >>> round(effect.cohen_d, 3), round(effect.hedges_g, 3), effect.seed_win_share, effect.example_win_share
        (2.0, 1.128, 1.0, 0.75)
    """
    table = np.asarray(differences, dtype=np.float64)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"differences must be seeds by examples, got shape {table.shape}")
    by_seed = table.mean(axis=1)
    cohen_d = _standardised(by_seed)
    return EffectSize(
        cohen_d=cohen_d,
        hedges_g=cohen_d * _small_sample_factor(len(by_seed) - 1) if len(by_seed) > 2 else math.nan,
        seed_win_share=_win_share(by_seed),
        example_win_share=_win_share(table),
        decided_share=float((table != 0).mean()),
    )


def _standardised(by_seed: np.ndarray) -> float:
    if len(by_seed) < 2:
        return math.nan
    variance = sample_variance(by_seed)
    return float(by_seed.mean()) / math.sqrt(variance) if variance else math.nan


def _small_sample_factor(df: int) -> float:
    return math.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / math.sqrt(df / 2)


def _win_share(gaps: np.ndarray) -> float:
    return float((gaps > 0).mean() + (gaps == 0).mean() / 2)
