"""Per-example scores of metrics that rank by probability: ROC-AUC, average precision, top-k accuracy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolsweep.statistics.influence_classes import of_few

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


def roc_auc_scores(positive: ArrayLike, values: ArrayLike) -> Numbers:
    """Scores whose mean is the area under the ROC curve: P(positive above negative), ties counted half.

    With π the share of positives, a positive adds (share of negatives below it − AUC) / π, a negative (share of
    positives above it − AUC) / (1 − π): the placement values of DeLong's variance, with its denominators n − 1 for both
    groups. 0.5 everywhere where all are positive or none: the area is not defined, and nothing is ranked.

    Shape:
        positive (N,) of 0 and 1, values (N,); returns (N,).

    Raises:
        ValueError: If shapes disagree or a value is not a number.

    Reference:
        DeLong, DeLong, Clarke-Pearson (1988), "Comparing the areas under two or more correlated receiver operating
        characteristic curves", Biometrics 44(3). Differs: none.

    Example:
        >>> roc_auc_scores([0, 1, 0, 1], [0.1, 0.3, 0.4, 0.8]).mean()
        np.float64(0.75)
    """
    flags, numbers = _checked(positive, values)
    share = flags.mean()
    if share in (0, 1):
        return np.full(len(flags), 0.5)
    above, below = numbers[flags], numbers[~flags]
    placed = np.empty(len(flags))
    placed[flags] = _share_below(below, above)
    area = placed[flags].mean()
    placed[~flags] = 1 - _share_below(above, below)
    positives = np.count_nonzero(flags)
    weights = [of_few(len(flags) - positives) / (1 - share), of_few(positives) / share]
    return area + (placed - area) * np.where(flags, weights[1], weights[0])


def average_precision_scores(positive: ArrayLike, values: ArrayLike) -> Numbers:
    """Scores whose mean is the average precision: the precision P(t) at each positive's value t, averaged.

    With H(t) the share of examples at t or above and π the share of positives, an example with y = 0 or 1 adds
    y (P(value) − AP) / π, and (y − P(t)) / (π N H(t)) for each positive whose t does not exceed its value, all times
    √(n / (n − 1)) of n positives. 0 everywhere without a positive, as scikit-learn has it.

    Shape:
        positive (N,) of 0 and 1, values (N,); returns (N,).

    Raises:
        ValueError: If shapes disagree or a value is not a number.

    Reference:
        Davison, Hinkley (1997), "Bootstrap Methods and their Application", ch. 2.7, for influence values; derived here.

    Example:
        >>> average_precision_scores([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).mean().round(4)
        np.float64(0.8333)
    """
    flags, numbers = _checked(positive, values)
    share = flags.mean()
    if share == 0:
        return np.zeros(len(flags))
    _, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    hits = np.bincount(place, weights=flags, minlength=len(counts))  # positives at each value, ascending
    reach = np.cumsum(counts[::-1])[::-1] / len(flags)  # H
    precision = np.cumsum(hits[::-1])[::-1] / len(flags) / reach
    found = hits @ precision / hits.sum()
    seen = np.cumsum(hits / reach) / hits.sum()
    missed = np.cumsum(hits * precision / reach) / hits.sum()
    own = np.where(flags, precision[place] - found, 0.0) / share
    return found + of_few(np.count_nonzero(flags)) * (own + flags * seen[place] - missed[place])


def class_roc_auc_scores(labels: ArrayLike, probabilities: ArrayLike) -> Numbers:
    """The ROC-AUC of the second of two classes; of several, each against the rest, averaged over those that occur.

    As scikit-learn's ``roc_auc_score(…, multi_class="ovr", average="macro")``, which refuses where a class does not
    occur. 0.5 everywhere where all labels are one.

    Shape:
        labels (N,) class ids, probabilities (N, C); returns (N,).

    Raises:
        ValueError: If shapes disagree, a value is not a number, or a label has no column.

    Example:
        >>> class_roc_auc_scores([0, 0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]]).mean()
        np.float64(0.75)
    """
    return _over_classes(roc_auc_scores, labels, probabilities)


def class_average_precision_scores(labels: ArrayLike, probabilities: ArrayLike) -> Numbers:
    """The average precision of the second of two classes; of several, each against the rest, over those that occur.

    Shape:
        labels (N,) class ids, probabilities (N, C); returns (N,).

    Raises:
        ValueError: If shapes disagree, a value is not a number, or a label has no column.

    Example:
        >>> class_average_precision_scores([0, 1], [[0.9, 0.1], [0.6, 0.4]]).mean()
        np.float64(1.0)
    """
    return _over_classes(average_precision_scores, labels, probabilities)


def top3_accuracy_scores(labels: ArrayLike, probabilities: ArrayLike) -> Numbers:
    """1 where the label is among the three most probable classes, else 0; see :func:`top_k_scores`.

    Shape:
        labels (N,) class ids, probabilities (N, C); returns (N,).
    """
    return top_k_scores(labels, probabilities, k=3)


def top5_accuracy_scores(labels: ArrayLike, probabilities: ArrayLike) -> Numbers:
    """1 where the label is among the five most probable classes, else 0; see :func:`top_k_scores`.

    Shape:
        labels (N,) class ids, probabilities (N, C); returns (N,).
    """
    return top_k_scores(labels, probabilities, k=5)


def top_k_scores(labels: ArrayLike, probabilities: ArrayLike, *, k: int) -> Numbers:
    """1 where fewer than k classes stand above the label, else 0; 1 everywhere where there are no more than k classes.

    Of equal probabilities the later class stands above, as in scikit-learn's ``top_k_accuracy_score``.

    Shape:
        labels (N,) class ids, probabilities (N, C); returns (N,).

    Raises:
        ValueError: If shapes disagree, a value is not a number, or a label has no column.

    Example:
        >>> top_k_scores([0, 2], [[0.2, 0.5, 0.3], [0.2, 0.5, 0.3]], k=2)
        array([0., 1.])
    """
    ids, table = _labels_and_table(labels, probabilities)
    own = np.take_along_axis(table, ids[:, None], axis=1)
    ahead = (table > own) | ((table == own) & (np.arange(table.shape[1]) > ids[:, None]))
    return (ahead.sum(axis=1) < k).astype(np.float64)


def over_columns(scores: Callable[[ArrayLike, ArrayLike], Numbers], flags: Flags, table: NDArray) -> Numbers:
    """The mean of a binary metric's scores over columns.

    Args:
        scores: One of the binary metrics above.
        flags: Which rows are positive, by column; at least one column.
        table: Values of the same columns.

    Shape:
        flags, table (N, C); returns (N,).
    """
    total = np.zeros(len(table))
    for column in range(table.shape[1]):
        total += scores(flags[:, column], table[:, column])
    return total / table.shape[1]


def _over_classes(
    scores: Callable[[ArrayLike, ArrayLike], Numbers], labels: ArrayLike, probabilities: ArrayLike
) -> Numbers:
    ids, table = _labels_and_table(labels, probabilities)
    if table.shape[1] == 2:
        return scores(ids == 1, table[:, 1])
    occurs = np.unique(ids)
    return over_columns(scores, ids[:, None] == occurs, table[:, occurs])


def _share_below(sample: NDArray, values: NDArray) -> Numbers:
    """The share of a sample below each value, equal ones counted half."""
    ordered, order = np.sort(sample), np.argsort(values)
    low = np.searchsorted(ordered, values[order], side="left")
    high = np.searchsorted(ordered, values[order], side="right")
    found = np.empty(len(values))
    found[order] = (low + high) / (2 * len(sample))
    return found


def _checked(positive: ArrayLike, values: ArrayLike) -> tuple[Flags, NDArray]:
    flags, numbers = np.asarray(positive).astype(bool), np.asarray(values)
    if flags.shape != numbers.shape or flags.ndim != 1 or flags.size == 0:
        raise ValueError(f"targets and values must have one shape, got {flags.shape} and {numbers.shape}")
    if np.isnan(numbers).any():
        raise ValueError("values to rank must be numbers, not nan")
    return flags, numbers


def _labels_and_table(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.intp], NDArray]:
    ids, table = np.asarray(labels), np.asarray(probabilities)
    if table.ndim != 2 or ids.shape != table.shape[:1] or table.size == 0:
        raise ValueError(f"probabilities must be (N, C) for N labels, got {table.shape} and {ids.shape}")
    if np.isnan(table).any():
        raise ValueError("values to rank must be numbers, not nan")
    if ids.min() < 0 or ids.max() >= table.shape[1]:
        raise ValueError(f"label ids must lie between 0 and {table.shape[1] - 1}, got {ids.min()} to {ids.max()}")
    return ids.astype(np.intp), table
