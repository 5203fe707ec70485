"""How a data set was divided into splits, and what two of them have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics.scores import share_rows


@dataclass(frozen=True)
class Resampling:
    """How the rows of a data set were divided into splits.

    Attributes:
        train_rows: Rows that a split trains on; their mean where splits differ.
        pool_rows: Rows that are divided: those of training, validation and test, without a given test file.
        folds: k of k-fold cross-validation; None for random splits, or for folds of several divisions.

    Raises:
        ValueError: If no row is trained on, more than there are, or there are fewer than two folds.

    Example:
        >>> Resampling(train_rows=800, pool_rows=1000).shared_rows, Resampling(800, 1000, folds=5).shared_rows
        (0.8, 0.75)
    """

    train_rows: float
    pool_rows: float
    folds: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.train_rows <= self.pool_rows:
            raise ValueError(f"train_rows must lie between 1 and {self.pool_rows}, got {self.train_rows}")
        if self.folds is not None and self.folds < 2:
            raise ValueError(f"folds must be at least 2, got {self.folds}")

    @property
    def shared_rows(self) -> float:
        """The share of its training rows that a split has in common with another, as expected."""
        kept = self.train_rows / self.pool_rows
        return kept if self.folds is None else min(kept * self.folds * (self.folds - 2) / (self.folds - 1) ** 2, 1.0)

    def correction(self, *, test_rows: float, told_apart: bool) -> float:
        """c: how much more splits of the same rows agree than splits of other rows would.

        The variance of a mean over P splits is (1/P + c) times what is seen between them. Where each split has test
        rows of its own, c is Nadeau and Bengio's ratio, test rows over all others. With one test file for all, the luck
        of a training set can be told from that of the texts. Two training sets that share f of their rows correlate by
        about f², because a trained model stands at an optimum, where the first order of a change vanishes; that gives
        f²/(1 − f²). Where the seeds' luck is not known, it is taken to be as large as that of a training set, and then
        c = f²/(2 − f²).

        Args:
            test_rows: Test rows of a split where each has its own, else 0.
            told_apart: Whether the noise of seeds is known.

        Reference:
            Nadeau, Bengio (2003), "Inference for the generalization error", Machine Learning 52, eq. 9. The rest is
            derived here, and checked with trained classifiers in ``experiments/statistics``.

        Example:
            >>> five = Resampling(800, 1000, folds=5)
            >>> [round(five.correction(test_rows=rows, told_apart=True), 3) for rows in (200, 0)]
            [0.25, 1.286]
        """
        if test_rows > 0:
            return test_rows / max(self.pool_rows - test_rows, 1)
        alike = self.shared_rows**2
        return alike / max(1 - alike, 1e-9) if told_apart else alike / (2 - alike)


def correction_of(row_ids: Sequence[NDArray], resampling: Resampling, *, told_apart: bool) -> tuple[float, bool]:
    """c of splits with these test rows, see :meth:`Resampling.correction`, and whether each has rows of its own.

    Args:
        row_ids: Ids of the test rows of each split.
        resampling: How the splits were drawn.
        told_apart: Whether the noise of seeds is known.
    """
    own_rows = not share_rows(dict(enumerate(row_ids)))
    test_rows = float(np.mean([len(ids) for ids in row_ids])) if own_rows else 0.0
    return resampling.correction(test_rows=test_rows, told_apart=told_apart), own_rows
