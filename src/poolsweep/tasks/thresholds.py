"""From which probability on a label is predicted, so that its F1 on validation is highest."""

from __future__ import annotations

import numpy as np

UNTOLD = 0.5  # where no row has a label


def best_threshold(positive: np.ndarray, probabilities: np.ndarray) -> float:
    """The threshold of one label that gives it the highest F1; of several, the nearest to 0.5.

    It lies half way between two probabilities, in float32, as predictions are stored.

    Args:
        positive: Whether each row has the label.
        probabilities: Probability of it, float32.
    Shape:
        positive, probabilities (N,).
    Example:
        >>> best_threshold(np.array([0, 1, 1]), np.array([0.1, 0.25, 0.75], dtype=np.float32))
        0.17499999701976776
    """
    positive = np.asarray(positive, dtype=bool)
    if not positive.any():
        return UNTOLD
    values, place = np.unique(probabilities, return_inverse=True)
    right = np.cumsum(np.bincount(place, weights=positive, minlength=len(values))[::-1])[::-1]
    said = np.cumsum(np.bincount(place, minlength=len(values))[::-1])[::-1]
    below = np.concatenate([[values.dtype.type(0)], values[:-1]])
    cuts = (below + values) / 2
    cuts = np.where(cuts > below, cuts, values)  # of neighbours the middle may be the lower one
    f1 = 2 * right / (said + positive.sum())
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(cuts[best[np.argmin(np.abs(cuts[best] - 0.5))]])
