"""The noise of several contenders' means together: the components of a difference, as matrices."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.components import lowered_df
from poolsweep.statistics.difference import Covered, in_order_of
from poolsweep.statistics.resampling import Resampling, correction_of
from poolsweep.statistics.scores import Scores

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class JointNoise:
    """The parts of the covariance of K means over R replicates: seeds, or splits.

    With one replicate ``spread`` and ``own`` are 0.

    Attributes:
        means: Means over replicates and texts.
        texts: Covariance that the means have from their texts.
        spread: Covariance of a replicate's mean, as seen between replicates.
        own: What of ``spread`` is due to texts.
        weight: 1/R, and more where replicates are alike; see :class:`.resampling.Resampling`.
        num_replicates: R.
        num_texts: N.
        covers: What all of it speaks of; empty where one seed says nothing of others.

    Shape:
        means (K,); texts, spread, own (K, K).
    """

    means: Matrix
    texts: Matrix
    spread: Matrix
    own: Matrix
    weight: float
    num_replicates: int
    num_texts: int
    covers: tuple[Covered, ...]

    def covariance(self) -> Matrix:
        """Covariance of the means; negative eigenvalues of what replicates add are put to zero, (K, K).

        Reference:
            Amemiya (1985), "What should be done when an estimated between-group covariance matrix is not nonnegative
            definite?", The American Statistician 39(2). Differs: plain eigenvalues, without the metric of the residual.
        """
        return self.texts + self.weight * nonnegative(self.spread - self.own)

    def along(self, project: Matrix) -> tuple[float, float, float]:
        """The variance of the means along a projection, Box's degrees of freedom, and those of the variance itself.

        Args:
            project: The projection, symmetric.

        Shape:
            project (K, K).
        """
        texts, spread, own = (project @ part for part in (self.texts, self.spread, self.own))
        rank, over_texts, over_seeds = float(np.trace(project)), self.num_texts - 1, self.num_replicates - 1
        luck = self.weight * max(float(np.trace(spread - own)), 0.0)
        total = max(float(np.trace(texts)), float(np.trace(own)) / self.num_replicates) + luck
        if total <= 1e-15 * float(self.means @ self.means) / self.num_texts:
            return 0.0, np.nan, np.nan
        squared = _trace_of_square(project @ self.covariance())
        error = _of_truth(texts, over_texts, rank) / over_texts
        if over_seeds == 0:
            return total, min(max(total**2 / squared, 1.0), rank), total**2 / error
        of_spread = _of_truth(spread, over_seeds, rank)
        squared += self.weight**2 * (of_spread - _trace_of_square(spread))
        of_own = _of_truth(own, over_seeds * over_texts, rank) / over_texts
        error += self.weight**2 * (of_spread + of_own) / over_seeds
        df = min(max(total**2 / max(squared, total**2 / rank), 1.0), rank)
        seen = float(np.trace(spread))
        alone = seen**2 / of_spread * over_seeds if of_spread > 0 else over_seeds
        error_df = max(total**2 / error, float(min(over_seeds, over_texts)))
        return total, df, lowered_df(error_df, total, seen / self.num_replicates, alone)


def noise_of_means(contenders: Sequence[Scores]) -> JointNoise | None:
    """Over the seeds that all contenders have; None where there is no such seed, or one text.

    Shape:
        scores (S_k, N).

    Raises:
        ValueError: If two were tested on different rows.
    """
    noisy = [scores for scores in contenders if not scores.deterministic]
    seeds = noisy[0].seeds if noisy else (0,)
    seeds = tuple(seed for seed in seeds if all(seed in scores.seeds for scores in noisy))
    if not seeds or len(contenders[0].row_ids) < 2:
        return None
    aligned = [in_order_of(contenders[0], scores) for scores in contenders]
    tables = [np.stack([scores.on((seed,))[0] for scores in aligned]) for seed in seeds]
    places = np.arange(len(contenders[0].row_ids))
    covers: tuple[Covered, ...] = ("texts",) if not noisy else ("seeds", "texts") if len(seeds) > 1 else ()
    return _joint(tables, [places] * len(seeds), 1 / len(seeds), covers)


def noise_over_splits(contenders: Sequence[Mapping[Hashable, Scores]], resampling: Resampling) -> JointNoise | None:
    """Over the splits that all contenders have; None where there are fewer than two, or a split of one text.

    Seeds are averaged within a split, and their noise is left within that of splits.

    Shape:
        scores of split p (S, n_p).

    Raises:
        ValueError: If two were tested on different rows of a split.
    """
    splits = [split for split in contenders[0] if all(split in scores for scores in contenders)]
    if len(splits) < 2:
        return None
    given = [[scores[split] for scores in contenders] for split in splits]
    tables = [np.stack([in_order_of(one[0], scores).values.mean(axis=0) for scores in one]) for one in given]
    if min(table.shape[1] for table in tables) < 2:
        return None
    row_ids = [one[0].row_ids for one in given]
    fixed = all(scores.deterministic for one in given for scores in one)
    shared, own_rows = correction_of(row_ids, resampling, told_apart=fixed)
    covers: tuple[Covered, ...] = ("texts", "splits") if fixed else ("seeds", "texts", "splits")
    noise = _joint(tables, places_of(row_ids), 1 / len(splits) + shared, covers)
    return replace(noise, texts=noise.texts * (1 + shared)) if own_rows else noise


def places_of(row_ids: Sequence[NDArray]) -> list[NDArray[np.intp]]:
    """The place of each replicate's texts in one list of all texts."""
    _, places = np.unique(np.concatenate(row_ids), return_inverse=True)
    return np.split(places, np.cumsum([len(ids) for ids in row_ids])[:-1])


def nonnegative(matrix: Matrix) -> Matrix:
    """A symmetric matrix with its negative eigenvalues put to zero, (K, K)."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values.clip(min=0)) @ vectors.T


def _joint(
    tables: Sequence[Matrix], places: Sequence[NDArray[np.intp]], weight: float, covers: tuple[Covered, ...]
) -> JointNoise:
    """As :func:`.split_noise.split_noise`, of K contenders; tables (K, n_p)."""
    num, means = len(tables), np.stack([table.mean(axis=1) for table in tables], axis=1)  # (K, R)
    used = np.bincount(np.concatenate(places)) > 0
    added, own = np.zeros((len(used), len(means))), np.zeros((len(means), len(means)))
    for table, place, mean in zip(tables, places, means.T, strict=True):
        num_texts, rest = table.shape[1], table - mean[:, None]
        added[place] += rest.T / (num * num_texts)
        own += rest @ rest.T / (num_texts * (num_texts - 1))
    num_texts = int(used.sum())
    texts = added.T @ added * num_texts / (num_texts - 1)
    nothing = np.zeros_like(texts)
    spread = np.atleast_2d(np.cov(means)) if num > 1 else nothing
    own = (own - num * texts) / (num - 1) if num > 1 else nothing
    return JointNoise(means.mean(axis=1), texts, spread, own, weight, num, num_texts, covers)


def _trace_of_square(matrix: Matrix) -> float:
    return float(np.sum(matrix * matrix.T))


def _of_truth(estimated: Matrix, df: int, rank: float) -> float:
    """The trace of the square of a covariance matrix from an estimate with ``df`` degrees of freedom.

    That of the estimate is too large: few draws look as if they lay in few directions. At least what it is if the
    variance is the same in all ``rank`` directions.

    Reference:
        Srivastava (2005), "Some tests concerning the covariance matrix in high dimensional data", Journal of the Japan
        Statistical Society 35(2). Differs: the bound.
    """
    found, trace = _trace_of_square(estimated), float(np.trace(estimated))
    if df < 2:
        return found
    unbiased = df**2 / ((df - 1) * (df + 2)) * (found - trace**2 / df)
    return min(max(unbiased, trace**2 / rank), found)
