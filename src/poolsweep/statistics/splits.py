"""Differences over several splits of one data set: other training sets, seeds and texts are counted at once.

Splits are the folds of k-fold cross-validation, repeated random splits, or either of them with one given test file.
The noise is taken apart in :mod:`.split_noise`; the training sets of two splits overlap, and what that does is counted
by :class:`.resampling.Resampling`.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.components import VarianceComponents
from poolsweep.statistics.difference import (
    Difference,
    decided_noise,
    difference,
    in_order_of,
    mean_score,
    unknown_difference,
)
from poolsweep.statistics.estimate import t_estimate
from poolsweep.statistics.pairwise import Pairwise, nonnegative, pairwise_differences, pairwise_of
from poolsweep.statistics.resampling import Resampling
from poolsweep.statistics.scores import Scores, share_rows
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
    places = _places(scores)
    tables = [split_table(one, None, places[split]) for split, one in scores.items()]
    return _result(tables, scores, resampling, fixed=_fixed(scores), level=level)


def difference_over_splits(first: Splits, second: Splits, resampling: Resampling, *, level: float = 0.95) -> Difference:
    """First minus second, paired by split, by text and, as in :func:`difference`, by seed within the split.

    The mean over splits, each of the same weight, with V = T + C̄/P + (1/P + c) · max(G − C̄, 0): noise of texts, of
    seeds, and of training sets with :meth:`Resampling.correction`. One split alone is what :func:`difference` gives.

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
        (0.25, 0.177, ('seeds', 'texts', 'splits'))
    """
    shared = [split for split in first if split in second]
    if not shared:
        raise ValueError("the contenders share no split")
    if len(shared) == 1:
        return difference(first[shared[0]], second[shared[0]], level=level)
    first, second = ({split: scores[split] for split in shared} for scores in (first, second))
    return _difference(first, second, _places(first), resampling, level=level)


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
    shared = [[splits[split] for split in everywhere] for splits in given]
    covariance = _covariance(shared, resampling) if len(everywhere) > 1 else None
    return pairwise_of(tuple(contenders), means, results, covariance)


def _difference(
    first: Splits, second: Splits, places: Mapping[Hashable, NDArray[np.intp]], resampling: Resampling, *, level: float
) -> Difference:
    tables = [split_table(first[split], second[split], places[split]) for split in first]
    return _result(tables, first, resampling, fixed=_fixed(first) and _fixed(second), level=level)


def _result(
    tables: Sequence[SplitTable], scores: Splits, resampling: Resampling, *, fixed: bool, level: float
) -> Difference:
    num_seeds = min(table.num_seeds for table in tables)
    if min(len(table.gaps) for table in tables) < 2:
        value = float(np.mean([table.gaps.mean() for table in tables]))
        return unknown_difference(value, num_seeds, 1, level=level)
    noise = split_noise(tables)
    row_ids = {split: one.row_ids for split, one in scores.items()}
    variance, df = noise.variance(shared=_correction(row_ids, resampling, told_apart=noise.seeds is not None))
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


def _covariance(contenders: Sequence[Sequence[Scores]], resampling: Resampling) -> NDArray[np.float64] | None:
    """The covariance of the contenders' means over the same splits, (K, K): texts and splits as in :class:`SplitNoise`.

    The noise of seeds is left within that of splits.
    """
    splits = [_rows_alike([scores[split] for scores in contenders]) for split in range(len(contenders[0]))]
    if min(table.shape[1] for table in splits) < 2:
        return None
    places = _places(dict(enumerate(contenders[0])))
    num, means = len(splits), np.stack([table.mean(axis=1) for table in splits], axis=1)  # (K, P)
    added = np.zeros((max(int(place.max()) for place in places.values()) + 1, len(contenders)))
    own = np.zeros((len(contenders), len(contenders)))
    for i, table in enumerate(splits):
        num_texts, rest = table.shape[1], table - means[:, i, None]
        added[places[i]] += rest.T / (num * num_texts)
        own += rest @ rest.T / (num_texts * (num_texts - 1))
    texts = added.T @ added
    between = nonnegative(np.cov(means) - (own - num * texts) / (num - 1))
    test_rows = {i: scores.row_ids for i, scores in enumerate(contenders[0])}
    return texts + (1 / num + _correction(test_rows, resampling, told_apart=False)) * between


def _rows_alike(split: Sequence[Scores]) -> NDArray[np.float64]:
    """Scores averaged over seeds, texts in the order of the first contender, (K, N)."""
    return np.stack([in_order_of(split[0], scores).values.mean(axis=0) for scores in split])


def _correction(row_ids: Mapping[Any, NDArray], resampling: Resampling, *, told_apart: bool) -> float:
    test_rows = 0.0 if share_rows(row_ids) else float(np.mean([len(ids) for ids in row_ids.values()]))
    return resampling.correction(test_rows=test_rows, told_apart=told_apart)


def _fixed(scores: Splits) -> bool:
    return all(one.deterministic for one in scores.values())


def _places(scores: Splits) -> dict[Hashable, NDArray[np.intp]]:
    """The place of each split's texts in one list of all texts."""
    ids = [one.row_ids for one in scores.values()]
    _, places = np.unique(np.concatenate(ids), return_inverse=True)
    return dict(zip(scores, np.split(places, np.cumsum([len(one) for one in ids])[:-1]), strict=True))


def _by_text(tables: Sequence[SplitTable]) -> NDArray[np.float64]:
    """What each text adds in the mean over the splits that tested it."""
    places = np.concatenate([table.places for table in tables])
    counts = np.bincount(places)
    return (np.bincount(places, weights=np.concatenate([table.gaps for table in tables])) / counts.clip(1))[counts > 0]
