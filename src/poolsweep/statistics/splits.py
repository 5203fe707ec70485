"""Differences over several splits of one data set: other training sets, seeds and texts are counted at once.

Splits are the folds of k-fold cross-validation, repeated random splits, or either of them with one given test file.
The noise is taken apart in :mod:`.split_noise`; the training sets of two splits overlap, and what that does is counted
by :class:`.resampling.Resampling`.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.components import VarianceComponents, decided_noise
from poolsweep.statistics.difference import (
    Difference,
    difference,
    mean_score,
    unknown_difference,
)
from poolsweep.statistics.estimate import t_estimate
from poolsweep.statistics.joint import noise_over_splits, places_of
from poolsweep.statistics.pairwise import Pairwise, pairwise_differences, pairwise_of
from poolsweep.statistics.resampling import Resampling, correction_of
from poolsweep.statistics.scores import Scores
from poolsweep.statistics.split_noise import SplitTable, split_noise, split_table

Splits = Mapping[Hashable, Scores]


def mean_over_splits(scores: Splits, resampling: Resampling, *, level: float = 0.95) -> Difference:
    """One contender's mean over splits, with its interval over other texts, seeds and splits; see the difference.

    Raises:
        ValueError: If there is no split.

    Example:
        >>> folds = {0: Scores([[1, 0, 1, 1]], seeds=(0,), row_ids=range(4))}
        >>> folds[1] = Scores([[1, 1, 1, 0]], seeds=(0,), row_ids=range(4, 8))
        >>> result = mean_over_splits(folds, Resampling(4, 8, folds=2))
        >>> result.estimate.value, result.design
        (0.75, 'splits')
    """
    if len(scores) == 1:
        return mean_score(next(iter(scores.values())), level=level)
    row_ids = _row_ids(scores)
    tables = [split_table(one, None, place) for one, place in zip(scores.values(), places_of(row_ids), strict=True)]
    return _result(tables, row_ids, resampling, fixed=_fixed(scores), level=level)


def difference_over_splits(first: Splits, second: Splits, resampling: Resampling, *, level: float = 0.95) -> Difference:
    """First minus second, paired by split, by text and, as in :func:`difference`, by seed within the split.

    The mean over splits, each of the same weight, with the noise of texts, of seeds and of training sets, corrected for
    what splits share; see :meth:`.split_noise.SplitNoise.variance`. One split alone is what :func:`difference` gives.

    Args:
        first: The contender that counts positive; only splits that both have are used.
        second: The contender that counts negative.
        resampling: How the splits were drawn.
        level: Confidence level.

    Shape:
        scores of split p (S, n_p), over the same row ids in any order.

    Raises:
        ValueError: If no split is shared, or the contenders were tested on different rows in one.

    Reference:
        Nadeau, Bengio (2003), "Inference for the generalization error", Machine Learning 52; Bengio, Grandvalet (2004),
        "No unbiased estimator of the variance of k-fold cross-validation", JMLR 5. Differs: texts and seeds are counted
        on their own, so that the correction is of what is left; checked by simulation.

    Example:
        >>> def scored(values, start):
        ...     return Scores([values], seeds=(0,), row_ids=range(start, start + 4))
        >>> first = {0: scored([1, 0, 1, 1], 0), 1: scored([1, 1, 1, 0], 4)}
        >>> second = {0: scored([0, 0, 1, 1], 0), 1: scored([1, 0, 1, 0], 4)}
        >>> result = difference_over_splits(first, second, Resampling(4, 8, folds=2))
        >>> result.estimate.value, round(result.estimate.standard_error, 3), result.covers
        (0.25, 0.25, ('seeds', 'texts', 'splits'))
    """
    shared = [split for split in first if split in second]
    if not shared:
        raise ValueError("the contenders share no split")
    if len(shared) == 1:
        return difference(first[shared[0]], second[shared[0]], level=level)
    first, second = ({split: scores[split] for split in shared} for scores in (first, second))
    row_ids = _row_ids(first)
    tables = [
        split_table(first[split], second[split], place) for split, place in zip(shared, places_of(row_ids), strict=True)
    ]
    return _result(tables, row_ids, resampling, fixed=_fixed(first) and _fixed(second), level=level)


def pairwise_splits(contenders: Mapping[str, Splits], resampling: Resampling, *, level: float = 0.95) -> Pairwise:
    """All pairs of contenders over the splits that they share; what :func:`simultaneous` and the others take.

    Args:
        contenders: Split → scores, by name.
        resampling: How the splits were drawn.
        level: Confidence level of each pair's own interval (not adjusted for the number of pairs).

    Raises:
        ValueError: If there is no contender, or two share no split or were tested on different rows in one.

    Example:
        >>> folds = {0: Scores([[1, 0]], seeds=(0,), row_ids=[0, 1]), 1: Scores([[1, 1]], seeds=(0,), row_ids=[2, 3])}
        >>> pairwise_splits({"mean": folds, "cls": folds}, Resampling(2, 4, folds=2)).means
        array([0.75, 0.75])
    """
    given = list(contenders.values())
    everywhere = [split for split in next(iter(given), {}) if all(split in splits for splits in given)]
    if len(everywhere) == 1 and all(len(splits) == 1 for splits in given):
        return pairwise_differences({name: splits[everywhere[0]] for name, splits in contenders.items()}, level=level)
    results = {
        (one, other): difference_over_splits(contenders[one], contenders[other], resampling, level=level)
        for one, other in itertools.combinations(contenders, 2)
    }
    means = np.array([float(np.mean([one.mean for one in splits.values()])) for splits in contenders.values()])
    noise = noise_over_splits(given, resampling) if given else None
    covariance = None if noise is None else noise.covariance()
    return pairwise_of(tuple(contenders), means, results, covariance)


def _result(
    tables: Sequence[SplitTable], row_ids: Sequence[NDArray], resampling: Resampling, *, fixed: bool, level: float
) -> Difference:
    num_seeds = min(table.num_seeds for table in tables)
    if min(len(table.gaps) for table in tables) < 2:
        value = float(np.mean([table.gaps.mean() for table in tables]))
        return unknown_difference(value, num_seeds, 1, level=level)
    noise = split_noise(tables)
    shared, own_rows = correction_of(row_ids, resampling, told_apart=noise.seeds is not None)
    variance, df = noise.variance(shared=shared, own_rows=own_rows)
    if variance == 0:
        variance, df = decided_noise(_by_text(tables))
    seeds = noise.seeds or 0.0
    components = VarianceComponents(
        seed=seeds * num_seeds, example=noise.texts * noise.num_texts, residual=0.0,
        split=max(noise.between - seeds, 0.0),
    )  # fmt: skip
    design = "deterministic splits" if fixed else "splits"
    estimate = t_estimate(noise.mean, variance, df, level=level)
    return Difference(estimate, design, components, num_seeds, noise.num_texts, num_splits=len(tables))


def _fixed(scores: Splits) -> bool:
    return all(one.deterministic for one in scores.values())


def _row_ids(scores: Splits) -> list[NDArray]:
    return [one.row_ids for one in scores.values()]


def _by_text(tables: Sequence[SplitTable]) -> NDArray[np.float64]:
    """What each text adds in the mean over the splits that tested it."""
    places = np.concatenate([table.places for table in tables])
    counts = np.bincount(places)
    return (np.bincount(places, weights=np.concatenate([table.gaps for table in tables])) / counts.clip(1))[counts > 0]
