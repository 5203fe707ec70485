"""Beside an interval: the sign-flip test, which assumes no distribution, and the size of a difference."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from poolsweep.statistics.estimate import sample_variance

MAX_EXACT_SEEDS = 16  # 65,536 sign patterns


@dataclass(frozen=True)
class SignFlip:
    """A sign-flip test; no data of this many seeds can give a p below ``smallest_p``."""

    p_value: float
    smallest_p: float
    num_seeds: int
    exact: bool


def sign_flip_test(differences: ArrayLike, *, draws: int = 20_000, seed: int = 0) -> SignFlip:
    """The two-sided p-value of a mean of paired differences under all 2^S changes of sign.

    Exact under symmetry, without a distribution, but it is about seeds on this test set only, and it cannot go below
    2/2^S: 0.0625 with 5 seeds. Above 16 seeds signs are drawn at random, p = (1 + hits)/(1 + draws).

    Args:
        differences: One mean difference per seed.
        draws: Random sign patterns, where not all are tried.
        seed: Seed of these.

    Shape:
        differences (S,).

    Raises:
        ValueError: If there is no difference.

    Reference:
        Fisher (1935), "The Design of Experiments", sec. 21. Differs: none.

    Example:
        >>> sign_flip_test([0.01, 0.02, 0.01, 0.03, 0.02])
        SignFlip(p_value=0.0625, smallest_p=0.0625, num_seeds=5, exact=True)
    """
    gaps = np.asarray(differences, dtype=np.float64)
    if gaps.ndim != 1 or gaps.size == 0:
        raise ValueError(f"differences must be one per seed, got shape {gaps.shape}")
    num_seeds = gaps.size
    threshold = abs(gaps.sum()) - 1e-12 * np.abs(gaps).sum()  # rounding must not break ties
    if num_seeds > MAX_EXACT_SEEDS:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, num_seeds))
        hits = int((np.abs(signs @ gaps) >= threshold).sum())
        return SignFlip((1 + hits) / (1 + draws), 1 / (1 + draws), num_seeds, exact=False)
    sums = np.abs(_all_signs(num_seeds) @ gaps)
    return SignFlip(float((sums >= threshold).mean()), min(1.0, 2 / 2**num_seeds), num_seeds, exact=True)


@cache
def _all_signs(num_seeds: int) -> NDArray[np.float64]:
    return np.array(list(itertools.product([-1.0, 1.0], repeat=num_seeds)))


@dataclass(frozen=True)
class EffectSize:
    """The size of a paired difference, in units of its spread over seeds and in shares of wins.

    ``hedges_g`` is nan with fewer than 3 seeds, and where all seeds agree: a spread of 0 is no unit. ``seed_win_share``
    counts ties half; ``decided_share`` is how often the two differ on an example.
    """

    hedges_g: float
    seed_win_share: float
    decided_share: float


def effect_size(differences: ArrayLike) -> EffectSize:
    """Hedges' g over seeds, and the shares of seeds won and of examples decided.

    With d = mean / sd of the seeds' mean differences, g = J(S−1) · d, and J(m) = Γ(m/2) / (√(m/2) Γ((m−1)/2)), which
    takes 20% off at 5 seeds.

    Shape:
        differences (S, N), as :func:`~poolsweep.statistics.paired_differences` gives them.

    Raises:
        ValueError: If there are no differences.

    Reference:
        Hedges (1981), "Distribution theory for Glass's estimator of effect size", eq. 6e; Vargha, Delaney (2000), "A
        critique and improvement of the CL common language effect size", for ties. Differs: d is paired (d_z).

    Example:
        >>> effect = effect_size([[0, 1, 0, 0], [1, 0, 0, 1], [1, 0, 1, 1]])
        >>> round(effect.hedges_g, 3), effect.seed_win_share
        (1.128, 1.0)
    """
    table = np.asarray(differences, dtype=np.float64)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"differences must be seeds by examples, got shape {table.shape}")
    by_seed = table.mean(axis=1)
    won = float((by_seed > 0).mean() + (by_seed == 0).mean() / 2)
    return EffectSize(_hedges_g(by_seed), won, float((table != 0).mean()))


def _hedges_g(by_seed: NDArray[np.float64]) -> float:
    variance = sample_variance(by_seed) if len(by_seed) > 2 else 0.0
    if not variance:
        return math.nan
    df = len(by_seed) - 1
    correction = math.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / math.sqrt(df / 2)
    return correction * float(by_seed.mean()) / math.sqrt(variance)
