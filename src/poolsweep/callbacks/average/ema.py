"""An exponential moving average of the weights."""

from __future__ import annotations

from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from poolsweep.bounds import PositiveInt, Probability
from poolsweep.callbacks.average.base import WeightAverage


class Ema(WeightAverage):
    """``average ← d · average + (1 − d) · weights``, after every step.

    Args:
        decay: d, how much of the average stays.
        warmup: Whether d is at most ``(1 + n) / (10 + n)`` after n sets of weights: with a large ``decay`` alone, the
            average of a short run is mostly of its first weights.
        start: Share of the scheduled steps after which averaging begins.
        every: Optimizer steps from one set of weights to the next.
    Reference:
        Polyak and Juditsky (1992), "Acceleration of Stochastic Approximation by Averaging"; the warm-up is that of
        TensorFlow's ``ExponentialMovingAverage(num_updates)``. Differs: none.
    """

    def __init__(self, *, decay: Probability, warmup: bool, start: Probability, every: PositiveInt) -> None:
        super().__init__(start=start, every=every)
        self._decay, self._warmup = decay, warmup

    def update(self, average: list[Tensor], weights: list[Tensor], updates: int) -> None:
        """Move the average."""
        decay = min(self._decay, (1 + updates) / (10 + updates)) if self._warmup else self._decay
        get_ema_multi_avg_fn(decay)(average, weights, updates)
