"""Zero mean and unit variance in every dimension, as measured on the training split."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from poolsweep.postprocess.base import Postprocess


class Standardize(Postprocess):
    """``(x − μ) / σ`` with the training split's mean and standard deviation.

    Dimensions of different scale are learned at one rate; without it a linear head on frozen features is undertrained.
    Dimensions that do not vary stay 0.

    Args:
        size: D.
    Shape:
        pooled (B, D); returns (B, D).
    Example:
        >>> post = Standardize(size=1)
        >>> post.fit([torch.tensor([[1.0], [3.0]])])
        >>> post(torch.tensor([[3.0]]))
        tensor([[1.]])
    """

    needs_fit = True
    mean: Tensor
    scale: Tensor

    def __init__(self, *, size: int) -> None:
        super().__init__(size=size)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Measure mean and deviation in float64 (Chan's pairwise update, so that large means lose nothing)."""
        count, mean, squares = 0, torch.zeros(self.output_size, dtype=torch.float64), torch.zeros(1)
        squares = torch.zeros_like(mean)
        for batch in batches:
            values = batch.detach().to("cpu", torch.float64)
            n, batch_mean = len(values), values.mean(dim=0)
            delta = batch_mean - mean
            squares += ((values - batch_mean) ** 2).sum(dim=0) + delta**2 * count * n / (count + n)
            mean += delta * n / (count + n)
            count += n
        deviation = (squares / max(count, 1)).sqrt()
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(deviation > 1e-8, 1 / deviation.clamp(min=1e-8), torch.zeros_like(deviation)))

    def forward(self, pooled: Tensor) -> Tensor:
        """Shift and scale."""
        return (pooled - self.mean.to(pooled.dtype)) * self.scale.to(pooled.dtype)
