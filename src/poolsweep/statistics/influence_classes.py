"""Per-example scores of metrics of one class a text: accuracy, F1, balanced accuracy, Matthews' correlation.

All are smooth functions of the shares of the confusion matrix: r_c of examples that have class c, q_c of those that get
it, p_c of those that have and get it. Formulas and references: docs/statistics.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


def accuracy_scores(labels: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """1 where the prediction is right, else 0.

    Shape:
        labels, predicted (N,); returns (N,).

    Example:
        >>> accuracy_scores([0, 1, 1], [0, 1, 0])
        array([1., 1., 0.])
    """
    return (np.asarray(labels) == np.asarray(predicted)).astype(np.float64)


def balanced_accuracy_scores(labels: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Scores whose mean is the mean recall over the classes that occur among the labels.

    With the recall R_c = p_c / r_c, an example of class c adds (1[right] − R_c) / r_c to it, times √(n / (n − 1)) of
    the n examples of the class, as its sample variance has it.

    Shape:
        labels, predicted (N,) class ids; returns (N,).

    Raises:
        ValueError: If shapes disagree.

    Reference:
        Brodersen, Ong, Stephan, Buhmann (2010), "The balanced accuracy and its posterior distribution", ICPR. Differs:
        first-order variance from influence values, not a posterior.

    Example:
        >>> balanced_accuracy_scores([0, 0, 1, 1], [0, 1, 1, 1]).mean()
        np.float64(0.75)
    """
    table = _confusion(labels, predicted)
    occurs = np.maximum(table.has, 1 / len(table.truth))  # a class without labels is asked for by no example
    recall = table.both / occurs
    num_classes = np.count_nonzero(table.has)
    each = of_few(table.has * len(table.truth)) / occurs / num_classes
    return recall.sum() / num_classes + (table.right - recall[table.truth]) * each[table.truth]


def f1_scores(labels: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Scores whose mean is the macro-F1.

    With F_c = 2 p_c / (r_c + q_c), example i adds (2·1[has and gets c] − F_c · (1[has c] + 1[gets c])) / (r_c + q_c) to
    class c. The mean is over the classes that occur in labels or predictions, as torchmetrics and scikit-learn have it.

    Shape:
        labels, predicted (N,) class ids; returns (N,).

    Raises:
        ValueError: If shapes disagree.

    Reference:
        Zhang, Wang, Zhao (2015), "Estimating the uncertainty of average F1 scores", ICTIR. Differs: first-order
        variance from influence values, not a posterior.

    Example:
        >>> f1_scores([0, 0, 1, 1], [0, 1, 1, 1]).mean().round(4)
        np.float64(0.7333)
    """
    table = _confusion(labels, predicted)
    return table.f1.mean() + table.slope_of_f1(np.full(len(table.f1), 1 / len(table.f1)))


def weighted_f1_scores(labels: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Scores whose mean is the F1 of each class, weighted by its share of the labels.

    Σ r_c F_c; besides what an example adds to each F_c (see :func:`f1_scores`), it moves the weights by F_a − Σ r_c F_c
    with a its class.

    Shape:
        labels, predicted (N,) class ids; returns (N,).

    Raises:
        ValueError: If shapes disagree.

    Reference:
        As :func:`f1_scores`.

    Example:
        >>> weighted_f1_scores([0, 0, 0, 1], [0, 1, 0, 1]).mean().round(4)
        np.float64(0.7667)
    """
    table = _confusion(labels, predicted)
    return table.f1[table.truth] + table.slope_of_f1(table.has)


def mcc_scores(labels: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Scores whose mean is the Matthews correlation, R_K for several classes.

    R_K = (Σ_c p_c − Σ_c r_c q_c) / √((1 − Σ r_c²)(1 − Σ q_c²)); 0 where all labels or all predictions are one class.

    Shape:
        labels, predicted (N,) class ids; returns (N,).

    Raises:
        ValueError: If shapes disagree.

    Reference:
        Gorodkin (2004), "Comparing two K-category assignments by a K-category correlation coefficient". Differs: none.

    Example:
        >>> mcc_scores([0, 0, 1, 1], [0, 1, 1, 1]).mean().round(4)
        np.float64(0.5774)
    """
    table = _confusion(labels, predicted)
    truth, guess = table.truth, table.guess
    from_rows, from_columns = 1 - table.has @ table.has, 1 - table.gets @ table.gets
    if min(from_rows, from_columns) <= 1e-12:
        return np.zeros(len(truth))
    scale = np.sqrt(from_rows * from_columns)
    mcc = (table.right.mean() - table.has @ table.gets) / scale
    slope = (table.right - table.gets[truth] - table.has[guess]) / scale + mcc * (
        table.has[truth] / from_rows + table.gets[guess] / from_columns
    )
    return mcc + slope - slope.mean()


def of_few(counts: ArrayLike) -> NDArray[np.float64]:
    """√(n / (n − 1)) of each count n, which makes the mean square around a mean the sample variance.

    Example:
        >>> of_few([1, 2]).round(4)
        array([1.    , 1.4142])
    """
    number = np.asarray(counts, dtype=np.float64)
    return np.sqrt(number / np.maximum(number - 1, 1))


class _Confusion(NamedTuple):
    """Codes of both, whether they agree, and the shares of each class: ``has`` r, ``gets`` q, ``both`` p."""

    truth: NDArray[np.intp]
    guess: NDArray[np.intp]
    right: NDArray[np.float64]
    has: NDArray[np.float64]
    gets: NDArray[np.float64]
    both: NDArray[np.float64]

    @property
    def f1(self) -> NDArray[np.float64]:
        """F1 of each class, (C,)."""
        return 2 * self.both / (self.has + self.gets)

    def slope_of_f1(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each example adds to Σ weight_c · F_c beyond its mean, (N,)."""
        each = weights / (self.has + self.gets)
        lost = each * self.f1
        return 2 * self.right * each[self.truth] - lost[self.truth] - lost[self.guess]


def _confusion(labels: ArrayLike, predicted: ArrayLike) -> _Confusion:
    truth, guess = np.asarray(labels), np.asarray(predicted)
    if truth.shape != guess.shape or truth.ndim != 1 or truth.size == 0:
        raise ValueError(f"labels and predictions must have one shape, got {truth.shape} and {guess.shape}")
    num = len(truth)
    classes, codes = np.unique(np.concatenate([truth, guess]), return_inverse=True)
    truth, guess = codes[:num], codes[num:]
    right = truth == guess
    has, gets, both = (np.bincount(found, minlength=len(classes)) / num for found in (truth, guess, truth[right]))
    return _Confusion(truth, guess, right.astype(np.float64), has, gets, both)
