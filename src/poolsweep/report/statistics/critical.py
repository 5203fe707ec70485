"""The largest of several correlated t statistics: the critical values of Dunnett and Hsu."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri, ndtri, stdtr

from poolsweep.report.statistics.estimate import MAX_DF, t_quantile

NUM_POINTS = 2**15  # puts a 95% point within about 0.005 of the exact one, up to 40 statistics
NUM_SCALES = 512
PRECISION = 1e-5


@dataclass(frozen=True, eq=False)
class LargestT:
    """The distribution of max_j T_j, one-sided, where (T_j) is a multivariate t with a given correlation.

    T_j = Z_j / √(χ²_df / df): the maxima of Z are quasi-random (Sobol) points, the same on every call and machine; the
    scale is integrated over its quantiles. One statistic is done exactly, and ``None`` for the correlation means
    unknown: Bonferroni's bound then stands in, which holds whatever the correlation is.

    Shape:
        maxima (points,) ascending, or None.
    """

    num_statistics: int
    maxima: NDArray[np.float64] | None

    @staticmethod
    def of(num_statistics: int, correlation: ArrayLike | None) -> LargestT:
        """Draws the maxima.

        Args:
            num_statistics: How many statistics there are.
            correlation: Their correlation; a matrix that is not quite positive definite is taken to the nearest factor.

        Shape:
            correlation (num_statistics, num_statistics).

        Reference:
            Genz, Bretz (2009), "Computation of Multivariate Normal and t Probabilities". Differs: Sobol points on the
            maxima, not their sequential conditioning.

        Example:
            >>> dunnett = LargestT.of(3, [[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]])
            >>> round(dunnett.quantile(0.95, 20), 2)
            2.19
        """
        if num_statistics < 2 or correlation is None:
            return LargestT(num_statistics, None)
        matrix = np.asarray(correlation, dtype=np.float64)
        values, vectors = np.linalg.eigh(matrix)
        factor = (vectors * np.sqrt(values.clip(min=0)))[:, ::-1]  # the best Sobol dimensions go to the largest axes
        return LargestT(num_statistics, np.sort((_normal_points(num_statistics) @ factor.T).max(axis=1)))

    def tail(self, statistic: float, df: float) -> float:
        """P(max_j T_j ≥ statistic): the adjusted p-value.

        Example:
            >>> round(LargestT.of(2, None).tail(2.0, 10), 4)
            0.0734
        """
        if self.maxima is None:
            return min(1.0, self.num_statistics * float(stdtr(min(df, MAX_DF), -statistic)))
        return _tail(self.maxima, statistic * _scales(df))

    def quantile(self, level: float, df: float) -> float:
        """The value that max_j T_j stays under with probability ``level``.

        Example:
            >>> round(LargestT.of(1, None).quantile(0.95, 4), 3)
            2.132
        """
        if self.maxima is None:
            return t_quantile(1 - (1 - level) / max(self.num_statistics, 1), df)
        scales = _scales(df)
        high = 1.0
        while _tail(self.maxima, high * scales) > 1 - level:
            high *= 2
        low = -high
        while high - low > PRECISION * high:
            middle = (low + high) / 2
            low, high = (middle, high) if _tail(self.maxima, middle * scales) > 1 - level else (low, middle)
        return high


@lru_cache(maxsize=4)
def _normal_points(dimensions: int) -> NDArray[np.float64]:
    """Independent normals at Sobol points, (points, dimensions); every contender of a study asks for the same."""
    from scipy.stats.qmc import Sobol  # scipy.stats takes half a second to import

    points = ndtri(Sobol(dimensions, scramble=False).random(NUM_POINTS) + 0.5 / NUM_POINTS)
    points.flags.writeable = False
    return points


def _tail(maxima: NDArray[np.float64], thresholds: NDArray[np.float64]) -> float:
    """The share of maxima above the thresholds, averaged over these."""
    return float(1 - np.searchsorted(maxima, thresholds).mean() / len(maxima))


def _scales(df: float) -> NDArray[np.float64]:
    """√(χ²_df / df) at evenly spaced probabilities."""
    if df >= MAX_DF:
        return np.ones(1)
    upper = (np.arange(NUM_SCALES) + 0.5) / NUM_SCALES
    return np.sqrt(chdtri(df, upper) / df)
