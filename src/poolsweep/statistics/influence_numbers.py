"""Per-example scores of metrics of real numbers: correlations and errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


def pearson_scores(targets: ArrayLike, predicted: ArrayLike) -> Numbers:
    """Scores whose mean is Pearson's correlation.

    With z the standardised values, an example adds z_x z_y − r (z_x² + z_y²) / 2. 0 everywhere where one side is
    constant, where scipy gives nan.

    Shape:
        targets, predicted (N,); returns (N,).

    Raises:
        ValueError: If shapes disagree or a value is not finite.

    Reference:
        Devlin, Gnanadesikan, Kettenring (1975), "Robust estimation and outlier detection with correlation
        coefficients", Biometrika 62(3). Differs: none.

    Example:
        >>> pearson_scores([1, 2, 3, 4], [1, 3, 2, 4]).mean().round(4)
        np.float64(0.8)
    """
    first, second = (_standardised(values) for values in _checked(targets, predicted))
    if first is None or second is None:
        return np.zeros(np.shape(targets))
    product = first * second
    return product.mean() + product - product.mean() * (first**2 + second**2) / 2


def spearman_scores(targets: ArrayLike, predicted: ArrayLike) -> Numbers:
    """Scores whose mean is Spearman's rank correlation; ties have the mean of their ranks.

    ρ = c / √(V_x V_y) of u, v = (rank − ½)/N − ½ with c = mean of u·v. An example moves its own ranks' product and also
    the ranks of all others: c by u v + a + b − 3c, where a is the mean of 1[it lies below the other in x] · v of the
    other (½ for a tie), b the same with x and y exchanged; V_x by u² + 2a' − 3V_x with a' the like of a for u. 0
    everywhere where one side is constant, where scipy gives nan.

    Shape:
        targets, predicted (N,); returns (N,).

    Raises:
        ValueError: If shapes disagree or a value is not finite.

    Reference:
        Croux, Dehon (2010), "Influence functions of the Spearman and Kendall correlation measures", Statistical Methods
        and Applications 19. Differs: ties.

    Example:
        >>> spearman_scores([1, 2, 3, 4], [1, 30, 20, 400]).mean().round(4)
        np.float64(0.8)
    """
    (first, above_first), (second, above_second) = (_ranked(values) for values in _checked(targets, predicted))
    spread_first, spread_second = np.mean(first**2), np.mean(second**2)
    if min(spread_first, spread_second) == 0:
        return np.zeros(len(first))
    together = np.mean(first * second)
    scale = np.sqrt(spread_first * spread_second)
    rho = together / scale
    moves = first * second + above_first(second) + above_second(first) - 3 * together
    widens = (first**2 + 2 * above_first(first)) / spread_first + (second**2 + 2 * above_second(second)) / spread_second
    return rho + moves / scale - rho / 2 * (widens - 6)


def mae_scores(targets: ArrayLike, predicted: ArrayLike) -> Numbers:
    """The absolute error of each example, whose mean is the MAE.

    Shape:
        targets, predicted (N,); returns (N,).

    Raises:
        ValueError: If shapes disagree or a value is not finite.

    Example:
        >>> mae_scores([1, 2], [1.5, 2])
        array([0.5, 0. ])
    """
    first, second = _checked(targets, predicted)
    return np.abs(first - second)


def rmse_scores(targets: ArrayLike, predicted: ArrayLike) -> Numbers:
    """Scores whose mean is the root mean squared error.

    With e² the squared error, an example adds (e² − mean of e²) / (2 RMSE); 0 everywhere where all are exact.

    Shape:
        targets, predicted (N,); returns (N,).

    Raises:
        ValueError: If shapes disagree or a value is not finite.

    Example:
        >>> rmse_scores([1, 2], [4, 6]).mean().round(4)
        np.float64(3.5355)
    """
    first, second = _checked(targets, predicted)
    squared = (first - second) ** 2
    rmse = np.sqrt(squared.mean())
    return np.zeros(len(squared)) if rmse == 0 else rmse + (squared - squared.mean()) / (2 * rmse)


def _checked(targets: ArrayLike, predicted: ArrayLike) -> tuple[Numbers, Numbers]:
    first, second = np.asarray(targets, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1 or first.size == 0:
        raise ValueError(f"targets and predictions must have one shape, got {first.shape} and {second.shape}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("targets and predictions must be finite")
    return first, second


def _standardised(values: Numbers) -> Numbers | None:
    """Mean 0 and variance 1; None where they vary by no more than rounding."""
    centred = values - values.mean()
    spread = np.sqrt(np.mean(centred**2))
    return None if spread <= 1e-13 * np.abs(values).max() else centred / spread


def _ranked(values: Numbers) -> tuple[Numbers, Callable[[Numbers], Numbers]]:
    """Mid-ranks as shares from −½ to ½, and what gives each example the sum over those above it, divided by N."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    num = len(values)
    ranks = (np.cumsum(counts) - counts / 2) / num - 0.5

    def mean_above(others: Numbers) -> Numbers:
        sums = np.bincount(place, weights=others, minlength=len(counts))
        return ((sums.sum() - np.cumsum(sums) + sums / 2) / num)[place]

    return ranks[place], mean_above
