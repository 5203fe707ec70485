"""Per-example scores of metrics of several labels a text."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolsweep.statistics.influence_ranking import average_precision_scores, over_columns, roc_auc_scores


def micro_f1_scores(targets: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Scores whose mean is the micro-F1: the F1 of all labels of all texts in one table.

    F = mean of a / mean of b with a = 2 · labels that a text has and gets, b = labels that it has + labels that it
    gets; a text adds (a − F b) / mean of b. 0 everywhere where no label is had or gotten.

    Shape:
        targets, predicted (N, C) of 0 and 1; returns (N,).

    Raises:
        ValueError: If shapes disagree.

    Reference:
        Cochran (1977), "Sampling Techniques", ch. 6, for the variance of a ratio of means. Differs: none.

    Example:
        >>> micro_f1_scores([[1, 0], [1, 1]], [[1, 1], [0, 1]]).mean().round(4)
        np.float64(0.6667)
    """
    has, gets = _tables(targets, predicted)
    both, either = 2.0 * (has & gets).sum(axis=1), has.sum(axis=1) + gets.sum(axis=1)
    share = either.mean()
    if share == 0:
        return np.zeros(len(has))
    f1 = both.mean() / share
    return f1 + (both - f1 * either) / share


def macro_f1_scores(targets: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Scores whose mean is the macro-F1: the mean of each label's F1, 0 for one that no text has or gets.

    As scikit-learn's ``f1_score(…, average="macro", zero_division=0)``. What a text adds to a label is as in
    :func:`~poolsweep.statistics.f1_scores`.

    Shape:
        targets, predicted (N, C) of 0 and 1; returns (N,).

    Raises:
        ValueError: If shapes disagree.

    Reference:
        As :func:`~poolsweep.statistics.f1_scores`.

    Example:
        >>> macro_f1_scores([[1, 0, 0], [1, 1, 0]], [[1, 1, 0], [0, 1, 0]]).mean().round(4)
        np.float64(0.4444)
    """
    has, gets = _tables(targets, predicted)
    share = has.mean(axis=0) + gets.mean(axis=0)
    each = np.divide(1.0, share, out=np.zeros_like(share), where=share > 0)
    f1 = 2 * (has & gets).mean(axis=0) * each
    lost = each * f1
    return f1.mean() + (2 * (has & gets) @ each - has @ lost - gets @ lost) / has.shape[1]


def subset_accuracy_scores(targets: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """1 where all labels of a text are right, else 0.

    Shape:
        targets, predicted (N, C) of 0 and 1; returns (N,).

    Raises:
        ValueError: If shapes disagree.

    Example:
        >>> subset_accuracy_scores([[1, 0], [1, 1]], [[1, 0], [0, 1]])
        array([1., 0.])
    """
    has, gets = _tables(targets, predicted)
    return (has == gets).all(axis=1).astype(np.float64)


def label_average_precision_scores(targets: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """Scores whose mean is the average precision over the labels that some text has; 0 everywhere where none does.

    Shape:
        targets (N, C) of 0 and 1, probabilities (N, C); returns (N,).

    Raises:
        ValueError: If shapes disagree or a value is not a number.

    Reference:
        See :func:`~poolsweep.statistics.influence_ranking.average_precision_scores`.

    Example:
        >>> label_average_precision_scores([[1, 0], [0, 0]], [[0.9, 0.1], [0.2, 0.3]]).mean()
        np.float64(1.0)
    """
    has, table = _table_and_values(targets, probabilities)
    occurs = has.any(axis=0)
    if not occurs.any():
        return np.zeros(len(has))
    return over_columns(average_precision_scores, has[:, occurs], table[:, occurs])


def label_roc_auc_scores(targets: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """Scores whose mean is the ROC-AUC over the labels that some texts have and some have not; 0.5 where none is so.

    Shape:
        targets (N, C) of 0 and 1, probabilities (N, C); returns (N,).

    Raises:
        ValueError: If shapes disagree or a value is not a number.

    Reference:
        See :func:`~poolsweep.statistics.influence_ranking.roc_auc_scores`.

    Example:
        >>> label_roc_auc_scores([[1, 0], [0, 0]], [[0.9, 0.1], [0.2, 0.3]]).mean()
        np.float64(1.0)
    """
    has, table = _table_and_values(targets, probabilities)
    differs = has.any(axis=0) & ~has.all(axis=0)
    if not differs.any():
        return np.full(len(has), 0.5)
    return over_columns(roc_auc_scores, has[:, differs], table[:, differs])


def _tables(targets: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    has, gets = _table_and_values(targets, predicted)
    return has, gets.astype(bool)


def _table_and_values(targets: ArrayLike, values: ArrayLike) -> tuple[NDArray[np.bool_], NDArray]:
    has, table = np.asarray(targets), np.asarray(values)
    if has.shape != table.shape or has.ndim != 2 or has.size == 0:
        raise ValueError(f"targets and predictions must be (N, C) alike, got {has.shape} and {table.shape}")
    return has.astype(bool), table
