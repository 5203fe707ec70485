"""The variance of a difference whose contenders share test rows but not seeds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.components import (
    VarianceComponents,
    lowered_df,
    mean_squares,
    satterthwaite_df,
)
from poolsweep.statistics.estimate import sample_variance


def unpaired_variance(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[float, float, VarianceComponents]:
    """Variance, degrees of freedom and components of the difference of two grand means.

    With the seeds averaged out, the variance over examples of ȳ₁[i] − ȳ₂[i], divided by N, holds σ²_B/N and both
    σ²_E/(S_k N); each contender's (MS_A − MS_E)/(S_k N), at least zero, adds its seeds:

        V = var_i(ȳ₁[i] − ȳ₂[i])/N + Σ_k (MS_A,k − MS_E,k)/(S_k N).

    which is no less than Welch's t over the seeds alone.

    Shape:
        first (S1, N), second (S2, N), at least two of each.

    Reference:
        Satterthwaite (1946), "An approximate distribution of estimates of variance components", Biometrics 2(6).

    Example:
        >>> import numpy as np
        >>> first = np.array([[1.0, 2, 3], [3, 4, 8]])
        >>> variance, df, components = unpaired_variance(first, np.zeros((3, 3)))
        >>> round(variance, 4), components.seed
        (3.0833, 4.0)
    """
    gaps = first.mean(axis=0) - second.mean(axis=0)
    num_examples = len(gaps)
    by_example = sample_variance(gaps) / num_examples
    total, terms = by_example, [(by_example, float(num_examples - 1))]
    seed_terms: list[tuple[float, float]] = []
    seed = residual = in_gaps = 0.0
    for table in (first, second):
        share, squares = 1 / len(table), mean_squares(table)
        component = max(squares.seeds - squares.residual, 0.0) / num_examples
        total += share * component
        seed, residual = seed + component, residual + squares.residual
        in_gaps += share * squares.residual
        seed_terms.append((share * squares.seeds / num_examples, squares.num_seeds - 1))
        terms.append((share * squares.residual / num_examples, (squares.num_seeds - 1) * (num_examples - 1)))
    components = VarianceComponents(seed, max(by_example * num_examples - in_gaps, 0.0), residual)
    over_seeds = sum(term for term, _ in seed_terms)
    total = max(total, over_seeds)
    fewest = min(*(df for _, df in seed_terms), num_examples - 1)
    df = max(satterthwaite_df(total, terms + seed_terms), fewest)
    return total, lowered_df(df, total, over_seeds, satterthwaite_df(over_seeds, seed_terms)), components
