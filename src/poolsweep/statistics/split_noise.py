"""Where the noise of a mean over several splits of one data set comes from: texts, seeds within a split, splits.

The scores of split p, seed s and text i follow

    d[p, s, i] = Δ + A[p] + C[p, s] + B[i] + E[p, s, i],

A the luck of a training set, C that of a seed on it. Each split is tested on rows of its own (k-fold, repeated random
splits) or all on the same (a given test file). With m_p the mean of split p, and r_p[i] what text i adds to it,
averaged over seeds:

- texts: T = Σ_i (Σ_p r_p[i] / (P n_p))² · N/(N − 1), where all that one text adds, in whichever splits, counts as one
  draw (a cluster);
- between splits: G = var_p(m_p) − (Σ_p v_p − P T)/(P − 1), where v_p = Σ_i r_p[i]²/n_p² · n_p/(n_p − 1) is the noise
  that m_p has from its texts: what is left once the texts are counted;
- seeds within splits: C̄, the mean over splits of the seeds' variance of m_p; known with two seeds a split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.components import lowered_df, mean_squares, satterthwaite_df
from poolsweep.statistics.difference import in_order_of, paired_differences
from poolsweep.statistics.estimate import sample_variance
from poolsweep.statistics.scores import Scores

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SplitTable:
    """One split: what each of its texts adds, averaged over seeds, and the noise of the seeds.

    Attributes:
        places: Place of each text in a list of all texts of all splits.
        gaps: Score, or difference, of each text.
        seed_noise: Variance that the mean has from its seeds; None where one seed cannot tell it.
        seed_df: Degrees of freedom of ``seed_noise``.
        num_seeds: Seeds of the scarcer contender.
    """

    places: NDArray[np.intp]
    gaps: Numbers
    seed_noise: float | None
    seed_df: int
    num_seeds: int


@dataclass(frozen=True)
class SplitNoise:
    """The parts of the noise; ``seeds`` is None where no split has two seeds."""

    mean: float
    texts: float
    between: float
    spread: float
    seeds: float | None
    seed_df: int
    num_splits: int
    num_texts: int

    def variance(self, *, shared: float, own_rows: bool) -> tuple[float, float]:
        """The variance of the mean over splits, and its degrees of freedom.

        V = T + C̄/P + (1/P + c) · max(G − C̄, 0), with (1 + c) T for T where each split has test rows of its own: a text
        of one split trains the others. The degrees of freedom are Satterthwaite's, at least P − 1, and lowered to what
        the splits alone allow: at 99.8% where they share their test rows, at 99% where texts scatter their means too.

        Args:
            shared: c, how much more splits of the same rows agree than splits of other rows would.
            own_rows: Whether each split has test rows of its own.
        """
        weight, fewest = 1 / self.num_splits + shared, self.num_splits - 1.0
        seeds, alone = self.seeds or 0.0, self.spread / self.num_splits
        luck = max(self.between - seeds, 0.0)
        texts = self.texts * (1 + shared) if own_rows else self.texts
        total = texts + seeds / self.num_splits + weight * luck
        terms = [(texts, self.num_texts - 1.0)]
        if own_rows:
            terms += [(weight * luck, fewest), (seeds / self.num_splits, float(self.seed_df))]
            return total, lowered_df(max(satterthwaite_df(total, terms), fewest), total, alone, fewest, tail=0.995)
        terms += [(weight * self.spread, fewest), (shared * seeds, float(self.seed_df))]
        return total, lowered_df(max(satterthwaite_df(total, terms), fewest), total, alone + shared * luck, fewest)


def split_table(first: Scores, second: Scores | None, places: NDArray[np.intp]) -> SplitTable:
    """One split of a difference, or of one contender where ``second`` is None.

    Args:
        first: The contender that counts positive.
        second: The other, on the same rows in any order.
        places: Place of each row of ``first`` among all texts.

    Shape:
        places (N,).
    """
    table = first.values if second is None else paired_differences(first, second)
    if table is None and second is not None:
        return _unpaired(first, second, places)
    assert table is not None
    fixed = first.deterministic and (second is None or second.deterministic)
    num_seeds = len(table)
    if fixed or num_seeds == 1:
        return SplitTable(places, table.mean(axis=0), 0.0 if fixed else None, 0, num_seeds)
    squares = mean_squares(table)
    noise = max(squares.seeds - squares.residual, 0.0) / (squares.num_examples * num_seeds)
    return SplitTable(places, table.mean(axis=0), noise, num_seeds - 1, num_seeds)


def split_noise(tables: Sequence[SplitTable]) -> SplitNoise:
    """The parts of the noise of the mean over splits.

    Args:
        tables: Two splits at least, of two texts at least.
    """
    num_splits = len(tables)
    means = np.array([table.gaps.mean() for table in tables])
    num_places = max(int(table.places.max()) for table in tables) + 1
    added, used, own = np.zeros(num_places), np.zeros(num_places, dtype=bool), 0.0
    for table, mean in zip(tables, means, strict=True):
        num, rest = len(table.gaps), table.gaps - mean
        added[table.places] += rest / (num_splits * num)
        used[table.places] = True
        own += float(rest @ rest) / (num * (num - 1))
    num_texts = int(used.sum())
    texts = max(float(added @ added) * num_texts / (num_texts - 1), own / num_splits**2)
    scale = max(float(np.abs(table.gaps).max()) for table in tables)
    spread = sample_variance(means, scale=scale)
    between = max(spread - (own - num_splits * texts) / (num_splits - 1), 0.0)
    seeds, seed_df = _seeds(tables)
    return SplitNoise(float(means.mean()), texts, between, spread, seeds, seed_df, num_splits, num_texts)


def _seeds(tables: Sequence[SplitTable]) -> tuple[float | None, int]:
    """The mean noise of seeds; splits of one seed take the variance of a seed from the others."""
    known = [(table.seed_noise, table.num_seeds) for table in tables if table.seed_noise is not None]
    if not known:
        return None, 0
    single = float(np.mean([noise * num for noise, num in known]))
    noises = [single / table.num_seeds if table.seed_noise is None else table.seed_noise for table in tables]
    return float(np.mean(noises)), sum(table.seed_df for table in tables)


def _unpaired(first: Scores, second: Scores, places: NDArray[np.intp]) -> SplitTable:
    """Contenders with seeds of their own: the noise of both counts."""
    ones = [split_table(scores, None, places) for scores in (first, second)]
    noises = [one.seed_noise for one in ones if one.seed_noise is not None]
    gaps = ones[0].gaps - in_order_of(first, second).values.mean(axis=0)
    return SplitTable(
        places,
        gaps,
        sum(noises) if len(noises) == 2 else None,
        min(one.seed_df for one in ones),
        min(one.num_seeds for one in ones),
    )
