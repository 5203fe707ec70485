"""Per-example scores whose mean is the metric, so that any metric has a variance over examples.

Accuracy is a mean over examples; macro-F1 and the Matthews correlation are not, but they are smooth functions of the
shares p of the confusion matrix. Their linearisation (the infinitesimal jackknife) gives each example the score

    score[i] = f(p) + Σ_ab ∂f/∂p_ab · (1[example i falls in cell ab] − p_ab),

whose mean over the examples is f(p) exactly and whose variance over N is, to first order, the sampling variance of f.
For accuracy this gives back 1 for right and 0 for wrong. It is poor where a class has only a handful of examples: the
cautions of a report name such classes.

Reference:
    Jaeckel (1972), "The infinitesimal jackknife", Bell Labs memorandum; Efron (1982), "The Jackknife, the Bootstrap and
    Other Resampling Plans", ch. 6.
"""

from __future__ import annotations

from collections.abc import Callable

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


def f1_scores(labels: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Scores whose mean is the macro-F1.

    With r_c and q_c the shares of examples that have and that get class c, F_c = 2 p_cc / (r_c + q_c), and example i
    adds (2·1[has and gets c] − F_c · (1[has c] + 1[gets c])) / (r_c + q_c) to class c. The mean is over the classes
    that occur in labels or predictions, as torchmetrics and scikit-learn have it.

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
    has, gets = _indicators(labels, predicted)
    both, either = has * gets, has + gets
    share = either.mean(axis=0)
    f1 = 2 * both.mean(axis=0) / share
    return f1.mean() + ((2 * both - f1 * either) / share).mean(axis=1)


def mcc_scores(labels: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Scores whose mean is the Matthews correlation, R_K for several classes.

    R_K = (Σ_c p_cc − Σ_c r_c q_c) / √((1 − Σ r_c²)(1 − Σ q_c²)); 0 where all labels or all predictions are one class.

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
    has, gets = _indicators(labels, predicted)
    rows, columns = has.mean(axis=0), gets.mean(axis=0)
    from_rows, from_columns = 1 - rows @ rows, 1 - columns @ columns
    if min(from_rows, from_columns) <= 1e-12:
        return np.zeros(len(has))
    scale = np.sqrt(from_rows * from_columns)
    right = (has * gets).sum(axis=1)
    mcc = (right.mean() - rows @ columns) / scale
    slope = (right - has @ columns - gets @ rows) / scale + mcc * (
        has @ rows / from_rows + gets @ columns / from_columns
    )
    return mcc + slope - slope.mean()


def metric_scores(name: str, labels: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """The per-example scores of a metric by its name, with or without its split (``test/f1_macro``).

    Shape:
        labels, predicted (N,); returns (N,).

    Raises:
        ValueError: If the metric has no per-example scores; the sentence lists those that have.

    Example:
        >>> metric_scores("test/accuracy", [0, 1], [0, 0])
        array([1., 0.])
    """
    known: dict[str, Callable[[ArrayLike, ArrayLike], NDArray[np.float64]]] = {
        "accuracy": accuracy_scores,
        "f1_macro": f1_scores,
        "mcc": mcc_scores,
    }
    short = name.rpartition("/")[2]
    if short not in known:
        raise ValueError(f"{name} has no per-example scores, valid: {', '.join(known)}")
    return known[short](labels, predicted)


def _indicators(labels: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    truth, guess = np.asarray(labels), np.asarray(predicted)
    if truth.shape != guess.shape or truth.ndim != 1 or truth.size == 0:
        raise ValueError(f"labels and predictions must have one shape, got {truth.shape} and {guess.shape}")
    classes = np.unique(np.concatenate([truth, guess]))
    return (truth[:, None] == classes).astype(np.float64), (guess[:, None] == classes).astype(np.float64)
