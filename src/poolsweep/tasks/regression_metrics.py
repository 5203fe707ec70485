"""Metrics of scores over all rows of a split at once; imported when a run makes its model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.utilities import dim_zero_cat

from poolsweep.statistics.influence import NUMBER_SCORES


def regression_metrics(names: Sequence[str], *, predicted: Callable[[Tensor], Tensor], prefix: str) -> MetricCollection:
    """Metrics of one score per text.

    Args:
        names: Their names.
        predicted: Gives scores (B, 1) of logits (B, 1).
        prefix: ``val/`` or ``test/``.
    """
    return MetricCollection({name: OfScores(name, predicted=predicted) for name in names}, prefix=prefix)


class OfScores(Metric):
    """A metric of scores, computed in float64 from all rows, as scipy and scikit-learn do.

    A correlation is 0 where all predictions are equal, as they are of a head that has not learnt yet.

    Args:
        name: One of ``NUMBER_SCORES``.
        predicted: Gives scores (B, 1) of logits (B, 1).
    """

    full_state_update = False
    targets: list[Tensor]
    scores: list[Tensor]

    def __init__(self, name: str, *, predicted: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._name, self._predicted = name, predicted
        self.add_state("targets", [], dist_reduce_fx="cat")
        self.add_state("scores", [], dist_reduce_fx="cat")
        self.set_dtype(torch.float64)  # what a process without rows sends the others

    def update(self, logits: Tensor, targets: Tensor) -> None:
        """Take note of a batch; logits (B, 1), targets (B,)."""
        scores = self._predicted(logits)[:, 0]
        self.scores.append(scores)
        self.targets.append(targets.to(scores))

    def compute(self) -> Tensor:
        """The metric of all rows so far; NaN if a prediction is no finite number."""
        targets, scores = (dim_zero_cat(part).cpu() for part in (self.targets, self.scores))
        if not bool(torch.isfinite(scores).all()):
            return torch.tensor(math.nan, dtype=torch.float64)
        found = NUMBER_SCORES[self._name](targets.numpy(), scores.numpy()).mean()
        return torch.tensor(found, dtype=torch.float64)
