"""Whitening: zero mean, identity covariance, as measured on the training split."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from poolsweep.bounds import PositiveInt
from poolsweep.postprocess.base import Postprocess


class Whiten(Postprocess):
    """``(x − μ) U Λ^(−1/2)``, U and Λ the eigenvectors and eigenvalues of the training split's covariance.

    Directions of large variance no longer hide the others; with ``dimensions`` the vector is cut to the directions that
    vary most. Directions that do not vary (eigenvalues below 1e-10 of the largest) give 0, as do dimensions beyond the
    rank.

    Args:
        size: D.
        dimensions: Size of the whitened vector; None = D.
    Shape:
        pooled (B, D); returns (B, dimensions).
    Raises:
        ValueError: If ``dimensions`` does not lie between 1 and D.
    Reference:
        Su et al. (2021), "Whitening Sentence Representations", arXiv:2103.15316, section 3.2 and algorithm 1. Differs:
        directions without variance give 0 instead of noise divided by almost nothing.
    Example:
        >>> post = Whiten(size=2, dimensions=1)
        >>> post.fit([torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 0.0], [4.0, 0.0]])])
        >>> post(torch.tensor([[4.0, 7.0]])).abs()
        tensor([[1.]])
    """

    needs_fit = True
    mean: Tensor
    kernel: Tensor

    def __init__(self, *, size: int, dimensions: PositiveInt | None = None) -> None:
        super().__init__(size=size)
        if dimensions is not None and not 1 <= dimensions <= size:
            raise ValueError(f"postprocess.dimensions must lie between 1 and the pooled size {size}, got {dimensions}")
        self.output_size = dimensions or size
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("kernel", torch.eye(size)[:, : self.output_size].clone())

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Measure mean and covariance in float64, and take the covariance apart."""
        size = self.mean.shape[0]
        count, mean = 0, torch.zeros(size, dtype=torch.float64)
        scatter = torch.zeros(size, size, dtype=torch.float64)
        for batch in batches:
            values = batch.detach().to("cpu", torch.float64)
            n, batch_mean = len(values), values.mean(dim=0)
            centred, delta = values - batch_mean, batch_mean - mean
            scatter += centred.T @ centred + torch.outer(delta, delta) * count * n / (count + n)
            mean += delta * n / (count + n)
            count += n
        eigenvalues, directions = torch.linalg.eigh(scatter / max(count, 1))
        eigenvalues, directions = eigenvalues.flip(0), directions.flip(1)  # largest first
        varies = eigenvalues > 1e-10 * eigenvalues[0].clamp(min=torch.finfo(torch.float64).tiny)
        scale = torch.where(varies, eigenvalues.clamp(min=1e-300).rsqrt(), torch.zeros_like(eigenvalues))
        self.mean.copy_(mean)
        self.kernel.copy_((directions * scale)[:, : self.output_size])

    def forward(self, pooled: Tensor) -> Tensor:
        """Shift, rotate and scale."""
        return (pooled - self.mean.to(pooled.dtype)) @ self.kernel.to(pooled.dtype)
