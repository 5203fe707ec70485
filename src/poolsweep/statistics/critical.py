"""The largest of several correlated t statistics, each with an error estimate of its own.

Dunnett's and Hsu's critical values are made for one pooled error: all statistics share one scale √(χ²/df). Here each
pair of contenders has its own, from as few as four degrees of freedom, and then the largest of many is larger:
simulated at 5 seeds and 12 equal contenders, a "95%" set with the shared scale holds the true best in 91%. So the
statistics are tied together through their normal scores instead (a Gaussian copula), which is Dunnett's multivariate t
as df grows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, ndtr, ndtri, stdtr

from poolsweep.statistics.estimate import MAX_DF, t_quantile
from poolsweep.statistics.sobol import sobol_points

NUM_POINTS = 2**16  # puts a 95% point within about 0.005 of the exact one, up to 40 statistics
MOST_VALUES = 2**23  # of all pairs at all points: with very many pairs there are fewer points


@dataclass(frozen=True, eq=False)
class LargestT:
    """The distribution of max_j T_j, one-sided, or of max_j |T_j|.

    With Z normal of a given correlation, T_j = F⁻¹(Φ(Z_j); df), F Student's. The maxima of Z are quasi-random (Sobol)
    points, the same on every call and machine. ``None`` for the correlation means unknown: Bonferroni's bound then
    stands in, which holds whatever the correlation is.

    Shape:
        maxima (points,) ascending, or None.
    """

    num_statistics: int
    maxima: NDArray[np.float64] | None
    sides: int = 1

    @staticmethod
    def of(num_statistics: int, correlation: ArrayLike | None, *, df: float = math.inf) -> LargestT:
        """Draws the maxima.

        Args:
            num_statistics: How many statistics there are.
            correlation: The correlation of the differences; one that is not quite positive definite is taken to the
                nearest factor.
            df: The degrees of freedom from which errors and correlation were estimated; see :func:`kept_correlation`.

        Shape:
            correlation (num_statistics, num_statistics).

        Reference:
            Dunnett (1955), "A multiple comparison procedure for comparing several treatments with a control"; Conneely,
            Boehnke (2007), "So many correlated tests, so little time", for the normal scores. Differs: the correlation
            is weakened by :func:`kept_correlation`.

        Example:
            >>> dunnett = LargestT.of(3, [[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]])
            >>> round(dunnett.quantile(0.95, 1e6), 2)
            2.06
        """
        if num_statistics < 2 or correlation is None:
            return LargestT(num_statistics, None)
        kept = kept_correlation(df)
        matrix = kept * np.asarray(correlation, dtype=np.float64) + (1 - kept) * np.eye(num_statistics)
        values, vectors = np.linalg.eigh(matrix)
        factor = (vectors * np.sqrt(values.clip(min=0)))[:, ::-1]  # the best Sobol dimensions go to the largest axes
        return LargestT(num_statistics, np.sort((_normal_points(num_statistics) @ factor.T).max(axis=1)))

    @staticmethod
    def of_pairs(pairs: Sequence[tuple[int, int]], covariance: ArrayLike | None, *, df: ArrayLike) -> LargestT:
        """Draws the maxima of |Z_i − Z_j| over pairs of means: Tukey's range, each pair in units of its own error.

        Args:
            pairs: Which differences there are.
            covariance: Covariance of the means.
            df: Degrees of freedom of each pair's error; its statistic keeps :func:`kept_correlation` of what it has in
                common with the others.

        Shape:
            covariance (K, K); df (pairs,).

        Reference:
            Tukey (1953), "The problem of multiple comparisons"; Games, Howell (1976), "Pairwise multiple comparison
            procedures with unequal n's and/or variances". Differs: correlated means, and Gaussian scores for the ties
            between pairs.

        Example:
            >>> tukey = LargestT.of_pairs([(0, 1), (0, 2), (1, 2)], np.eye(3), df=[1e9, 1e9, 1e9])
            >>> round(tukey.quantile(0.95, 1e9), 2)
            2.34
        """
        if len(pairs) < 2 or covariance is None:
            return LargestT(2 * len(pairs), None, sides=2)
        values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64))
        factor = (vectors * np.sqrt(values.clip(min=0)))[:, ::-1]
        num_points = min(NUM_POINTS, 2 ** int(math.log2(MOST_VALUES / len(pairs))))
        means = factor @ _normal_points(len(factor))[:num_points].T  # (K, points)
        alone = np.random.default_rng(0)  # what the error estimate of one pair has of its own
        maxima = np.zeros(num_points)
        for (i, j), kept in zip(pairs, map(kept_correlation, np.asarray(df, dtype=np.float64)), strict=True):
            gap = means[i] - means[j]
            scale = math.sqrt(max(float(np.sum((factor[i] - factor[j]) ** 2)), 0.0))
            if scale <= 1e-9 * math.sqrt(max(float(values[-1]), 1e-300)):
                kept, scale = 0.0, 1.0
            gap *= math.sqrt(kept) / scale
            if kept < 1:
                gap += math.sqrt(1 - kept) * alone.standard_normal(num_points)
            np.maximum(maxima, np.abs(gap, out=gap), out=maxima)
        return LargestT(2 * len(pairs), np.sort(maxima), sides=2)

    def tail(self, statistic: float, df: float) -> float:
        """P(max ≥ statistic): the adjusted p-value, never below the plain one nor above Bonferroni's.

        Example:
            >>> round(LargestT.of(2, None).tail(2.0, 10), 4)
            0.0734
        """
        alone = float(stdtr(min(df, MAX_DF), -statistic))
        bound = min(1.0, self.num_statistics * alone)
        if self.maxima is None:
            return bound
        below = int(np.searchsorted(self.maxima, -ndtri(alone)))
        return min(max(1 - below / len(self.maxima), self.sides * alone), bound)

    def quantile(self, level: float, df: float) -> float:
        """The value that the maximum stays under with probability ``level``.

        Example:
            >>> round(LargestT.of(1, None).quantile(0.95, 4), 3)
            2.132
        """
        if self.maxima is None:
            return t_quantile(1 - (1 - level) / max(self.num_statistics, 1), df)
        score = self.maxima[math.ceil(level * len(self.maxima)) - 1]
        return t_quantile(float(ndtr(score)), df)


def kept_correlation(df: float) -> float:
    """How much of an estimated correlation the t statistics keep, from 0 (df ≤ 2) to 1 (df infinite).

    T_i and T_j with scales of their own correlate by ρ · E[1/U]² / E[1/U²] with U = √(χ²_df / df), that is by
    ρ · (df − 2)/2 · (Γ((df−1)/2) / Γ(df/2))²; and ρ, itself estimated from as few, is shrunk by df/(df + 2).

    Reference:
        Derived here; what it gives is checked by simulation in ``experiments/statistics``.

    Example:
        >>> [round(kept_correlation(df), 2) for df in (2, 4, 20, 1e9)]
        [0.0, 0.52, 0.88, 1.0]
    """
    if df <= 2:
        return 0.0
    df = min(df, 1e6)
    return (df - 2) / 2 * math.exp(2 * float(gammaln((df - 1) / 2) - gammaln(df / 2))) * df / (df + 2)


@lru_cache(maxsize=4)
def _normal_points(dimensions: int) -> NDArray[np.float64]:
    """Independent normals at Sobol points, (points, dimensions); every contender of a study asks for the same."""
    points = ndtri(sobol_points(NUM_POINTS, dimensions) + 0.5 / NUM_POINTS)
    points.flags.writeable = False
    return points
