"""Per-example scores whose mean is the metric, so that any metric has a variance over examples.

A metric is a function f of the distribution of examples. Its linearisation (the infinitesimal jackknife) gives example
i the score

    score[i] = f + d/dε f((1 − ε) · all examples + ε · example i)   at ε = 0,

whose mean over the examples is f exactly, and whose variance over N is, to first order, the sampling variance of f.
For accuracy this gives back 1 for right and 0 for wrong. It is poor where a class or label has only a handful of
examples: the cautions of a report name such classes.

Each family is a table from the metric's name to ``f(targets, predicted) -> (N,)``. Those of ``…_RANKING_SCORES`` take
probabilities instead of decisions.

Reference:
    Jaeckel (1972), "The infinitesimal jackknife", Bell Labs memorandum; Efron (1982), "The Jackknife, the Bootstrap and
    Other Resampling Plans", ch. 6; Hampel (1974), "The influence curve and its role in robust estimation".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolsweep.statistics.influence_classes import (
    accuracy_scores,
    balanced_accuracy_scores,
    f1_scores,
    mcc_scores,
    weighted_f1_scores,
)
from poolsweep.statistics.influence_multilabel import (
    label_average_precision_scores,
    label_roc_auc_scores,
    macro_f1_scores,
    micro_f1_scores,
    subset_accuracy_scores,
)
from poolsweep.statistics.influence_numbers import mae_scores, pearson_scores, rmse_scores, spearman_scores
from poolsweep.statistics.influence_ranking import (
    class_average_precision_scores,
    class_roc_auc_scores,
    top3_accuracy_scores,
    top5_accuracy_scores,
)

ScoresOf = Callable[[ArrayLike, ArrayLike], NDArray[np.float64]]

CLASS_SCORES: Mapping[str, ScoresOf] = {  # labels (N,), predicted (N,)
    "accuracy": accuracy_scores,
    "balanced_accuracy": balanced_accuracy_scores,
    "f1_macro": f1_scores,
    "f1_micro": accuracy_scores,
    "f1_weighted": weighted_f1_scores,
    "mcc": mcc_scores,
}
CLASS_RANKING_SCORES: Mapping[str, ScoresOf] = {  # labels (N,), probabilities (N, C)
    "average_precision": class_average_precision_scores,
    "roc_auc": class_roc_auc_scores,
    "top3_accuracy": top3_accuracy_scores,
    "top5_accuracy": top5_accuracy_scores,
}
MULTILABEL_SCORES: Mapping[str, ScoresOf] = {  # targets (N, C), predicted (N, C), of 0 and 1
    "f1_macro": macro_f1_scores,
    "f1_micro": micro_f1_scores,
    "subset_accuracy": subset_accuracy_scores,
}
MULTILABEL_RANKING_SCORES: Mapping[str, ScoresOf] = {  # targets (N, C) of 0 and 1, probabilities (N, C)
    "mean_average_precision": label_average_precision_scores,
    "roc_auc": label_roc_auc_scores,
}
NUMBER_SCORES: Mapping[str, ScoresOf] = {  # targets (N,), predicted (N,), real numbers
    "mae": mae_scores,
    "pearson": pearson_scores,
    "rmse": rmse_scores,
    "spearman": spearman_scores,
}


def metric_scores(name: str, labels: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """The per-example scores of a metric of classes by its name, with or without its split (``test/f1_macro``).

    Shape:
        labels, predicted (N,); returns (N,).

    Raises:
        ValueError: If the metric has no per-example scores; the sentence lists those that have.

    Example:
        >>> metric_scores("test/accuracy", [0, 1], [0, 0])
        array([1., 0.])
    """
    short = name.rpartition("/")[2]
    if short not in CLASS_SCORES:
        raise ValueError(f"{name} has no per-example scores, valid: {', '.join(CLASS_SCORES)}")
    return CLASS_SCORES[short](labels, predicted)
