"""Where the noise of a mean comes from: seeds, test examples, and their interaction.

The model of a matrix of S seeds by N examples (scores of one contender, or differences of two) is crossed random
effects,

    d[s, i] = δ + A[s] + B[i] + E[s, i],    variances σ²_A, σ²_B, σ²_E,

so that the grand mean has variance σ²_A/S + σ²_B/N + σ²_E/(SN). With the mean squares of the two-way table,

    E[MS_A] = σ²_E + N σ²_A,    E[MS_B] = σ²_E + S σ²_B,    E[MS_E] = σ²_E,

which makes (MS_A + MS_B − MS_E)/(SN) an unbiased estimate of that variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtridf, stdtrit

from poolsweep.statistics.estimate import MAX_DF, sample_variance

TAIL = 0.999  # one side of a 99.8% interval


@dataclass(frozen=True)
class MeanSquares:
    """The mean squares of a two-way table without replication."""

    seeds: float
    examples: float
    residual: float
    num_seeds: int
    num_examples: int


@dataclass(frozen=True)
class VarianceComponents:
    """The variances of the effects; ``seed`` is nan where one seed cannot tell it.

    ``split`` is that of training sets, 0 where there is one. Over several splits ``seed`` is that of a seed within its
    split, and ``example`` holds the residual too.
    """

    seed: float
    example: float
    residual: float
    split: float = 0.0

    def variance_of_mean(self, num_seeds: int, num_examples: int) -> float:
        """The variance that a mean over so many seeds and examples has."""
        return self.seed / num_seeds + self.example / num_examples + self.residual / (num_seeds * num_examples)


def mean_squares(values: ArrayLike) -> MeanSquares:
    """The mean squares for seeds, examples and residual.

    Shape:
        values (S, N), S and N at least 2.

    Raises:
        ValueError: If a side is shorter than 2.

    Reference:
        Searle, Casella, McCulloch (1992), "Variance Components", ch. 4. Differs: none.

    Example:
        >>> mean_squares([[1, 2, 3], [3, 4, 8]])
        MeanSquares(seeds=13.5, examples=6.5, residual=1.5, num_seeds=2, num_examples=3)
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2:
        raise ValueError(f"values must have at least 2 seeds and 2 examples, got shape {table.shape}")
    num_seeds, num_examples = table.shape
    centred = table - table.mean()
    by_seed, by_example = centred.mean(axis=1), centred.mean(axis=0)
    residual = centred - by_seed[:, None] - by_example
    return MeanSquares(
        seeds=_clean(num_examples * np.sum(by_seed**2) / (num_seeds - 1), table),
        examples=_clean(num_seeds * np.sum(by_example**2) / (num_examples - 1), table),
        residual=_clean(np.sum(residual**2) / ((num_seeds - 1) * (num_examples - 1)), table),
        num_seeds=num_seeds,
        num_examples=num_examples,
    )


def _clean(square: float, table: NDArray[np.float64]) -> float:
    """Rounding in the means leaves squares near 1e-32 where the truth is zero."""
    floor = table.size * (np.finfo(np.float64).eps * max(float(np.abs(table).max()), np.finfo(np.float64).tiny)) ** 2
    return 0.0 if square < floor else float(square)


def variance_components(squares: MeanSquares) -> VarianceComponents:
    """The components by the method of moments; a negative one is put to zero.

    Reference:
        Searle, Casella, McCulloch (1992), "Variance Components", ch. 4.

    Example:
        >>> variance_components(mean_squares([[1, 2, 3], [3, 4, 8]]))
        VarianceComponents(seed=4.0, example=2.5, residual=1.5, split=0.0)
    """
    return VarianceComponents(
        seed=max(squares.seeds - squares.residual, 0.0) / squares.num_examples,
        example=max(squares.examples - squares.residual, 0.0) / squares.num_seeds,
        residual=squares.residual,
    )


def variance_of_mean(squares: MeanSquares) -> tuple[float, float]:
    """The variance of the grand mean and its degrees of freedom.

    V = (max(MS_A, MS_E) + max(MS_B, MS_E) − MS_E) / (SN), which is the unbiased estimate with negative components put
    to zero; Satterthwaite's df = (V · SN)² / (MS_A²/(S−1) + MS_B²/(N−1) + MS_E²/((S−1)(N−1))). When MS_A comes out
    small by chance that df is too high, so it is lowered by :func:`lowered_df`: counting the examples too must not give
    a narrower interval than the t over seeds alone.

    Reference:
        Satterthwaite (1946), "An approximate distribution of estimates of variance components", Biometrics 2(6).
        Differs: negative components and the lowered degrees of freedom, as above.

    Example:
        >>> variance, df = variance_of_mean(mean_squares([[1, 2, 3], [3, 4, 8], [2, 2, 5]]))
        >>> round(variance, 4), round(df, 4)
        (1.7222, 2.395)
    """
    num_seeds, num_examples = squares.num_seeds, squares.num_examples
    residual = squares.residual
    total = max(squares.seeds, residual) + max(squares.examples, residual) - residual
    terms = [
        (squares.seeds, num_seeds - 1),
        (squares.examples, num_examples - 1),
        (residual, (num_seeds - 1) * (num_examples - 1)),
    ]
    df = max(satterthwaite_df(total, terms), min(num_seeds, num_examples) - 1)  # the subtraction can take it below
    return total / (num_seeds * num_examples), lowered_df(df, total, squares.seeds, num_seeds - 1)


def lowered_df(df: float, total: float, part: float, part_df: float, *, tail: float = TAIL) -> float:
    """Degrees of freedom at which t · √total is no shorter than the t interval of a part alone, both at ``tail``.

    Without it, at 2 seeds with much seed noise 95% intervals cover 88%, and the far tails, which comparisons of many
    contenders use, are too heavy: held at 99% only, some of six equal contenders are told apart in 6% of studies whose
    seeds scatter widely; at 99.8% in 3.5%.

    Args:
        df: Satterthwaite's degrees of freedom of ``total``.
        total: The estimated variance.
        part: The mean square over seeds within it.
        part_df: Degrees of freedom of that part.
        tail: Probability below the upper end; 0.999 is a 99.8% interval.

    Example:
        >>> [round(lowered_df(50.0, total=1.0, part=part, part_df=4), 1) for part in (1.0, 0.5, 0.0)]
        [4.0, 6.3, 50.0]
    """
    if total <= 0:
        return df
    needed = float(stdtrit(part_df, tail)) * math.sqrt(part / total)
    if needed <= float(stdtrit(min(df, MAX_DF), tail)):
        return df
    return max(float(stdtridf(tail, needed)), float(part_df))


def satterthwaite_df(total: float, terms: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of mean squares: total² / Σ term² / df; infinite where no term varies.

    Args:
        total: The sum, with its signs.
        terms: Each term with its own degrees of freedom; those without any are left out.

    Example:
        >>> satterthwaite_df(2.0, [(1.0, 4), (1.0, 4)])
        8.0
    """
    spread = sum(term**2 / df for term, df in terms if df > 0)
    return total**2 / spread if spread > 0 else math.inf


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


def decided_noise(gaps: NDArray[np.float64]) -> tuple[float, float]:
    """The variance of a mean difference from the examples on which two contenders differ, and its degrees of freedom.

    The second moment over N, as McNemar's test takes it: n examples that differ by 1 out of N give n/N². It is 0 where
    the two differ on none.

    Shape:
        gaps (N,), the difference on each example.

    Reference:
        McNemar (1947), "Note on the sampling error of the difference between correlated proportions". Differs: none.

    Example:
        >>> decided_noise(np.ones(4))
        (0.25, 3.0)
    """
    return float(np.mean(gaps**2)) / len(gaps), len(gaps) - 1.0
