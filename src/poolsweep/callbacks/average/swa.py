"""The mean of the weights over the end of a run."""

from __future__ import annotations

from torch import Tensor
from torch.optim.swa_utils import get_swa_multi_avg_fn

from poolsweep.callbacks.average.base import WeightAverage


class Swa(WeightAverage):
    """The mean of all weights from ``start`` on, each set counting the same.

    Args:
        start: Share of the scheduled steps after which averaging begins.
        every: Optimizer steps from one set of weights to the next.
    Reference:
        Izmailov et al. (2018), "Averaging Weights Leads to Wider Optima and Better Generalization", arXiv:1803.05407,
        alg. 1. Differs: the learning rate is what ``scheduler`` says (``scheduler=constant`` keeps it up).
    """

    def update(self, average: list[Tensor], weights: list[Tensor], updates: int) -> None:
        """Take one more set into the mean."""
        get_swa_multi_avg_fn()(average, weights, updates)
