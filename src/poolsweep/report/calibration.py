"""Whether a contender's probabilities can be believed: reliability bins and the expected calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolsweep.report.contenders import Contender
from poolsweep.report.predictions import read_predictions

NUM_BINS = 15


@dataclass(frozen=True, eq=False)
class Calibration:
    """The predictions of a contender, sorted by the probability of the label they name.

    Attributes:
        count: Predictions in each bin, summed over seeds.
        confidence: Mean probability of the predicted label in each; nan where empty.
        accuracy: Share that is right in each; nan where empty.
        errors: The expected calibration error of each seed, 0 to 1.

    Shape:
        count, confidence, accuracy (15,).
    """

    count: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    errors: tuple[float, ...]

    @property
    def error(self) -> float:
        """The mean over seeds of the expected calibration error."""
        return float(np.mean(self.errors))


def calibration(contender: Contender) -> Calibration | None:
    """Read the probabilities of all its runs, one at a time; None where there are none."""
    tables, errors = [], []
    for run in contender.runs.values():
        found = read_predictions(run, probabilities=True)
        if found is not None and found.probabilities is not None:
            table = reliability_table(found.probabilities.max(axis=1), found.labels == found.predicted)
            tables.append(table)
            errors.append(calibration_error(table))
    return _pooled(tables, errors) if tables else None


def _pooled(tables: Sequence[NDArray[np.float64]], errors: Sequence[float]) -> Calibration:
    count, confidence, hits = np.sum(tables, axis=0)
    with np.errstate(invalid="ignore"):
        return Calibration(count.astype(np.int64), confidence / count, hits / count, tuple(errors))


def reliability_table(confidence: ArrayLike, correct: ArrayLike) -> NDArray[np.float64]:
    """Count, summed confidence and number right in 15 bins of equal width.

    Shape:
        confidence, correct (N,); returns (3, 15).
    """
    chance = np.asarray(confidence, dtype=np.float64)
    place = np.clip(np.ceil(chance * NUM_BINS).astype(int) - 1, 0, NUM_BINS - 1)
    weights = (np.ones_like(chance), chance, np.asarray(correct, dtype=np.float64))
    return np.stack([np.bincount(place, weights=w, minlength=NUM_BINS) for w in weights]).astype(np.float64)


def calibration_error(table: ArrayLike) -> float:
    """The expected calibration error: Σ |hits − confidence| / N over the bins.

    Shape:
        table (3, 15), from ``reliability_table``.
    Reference:
        Guo, Pleiss, Sun, Weinberger (2017), "On calibration of modern neural networks", eq. 3. Differs: none.
    Example:
        >>> round(calibration_error(reliability_table([0.9, 0.9, 0.55], [True, False, True])), 4)
        0.4167
    """
    count, confidence, hits = np.asarray(table, dtype=np.float64)
    return float(np.abs(hits - confidence).sum() / count.sum())
