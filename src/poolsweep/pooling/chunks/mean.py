"""The mean of the windows."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.chunks.base import ChunkPooling
from poolsweep.pooling.functional import masked_mean


class Mean(ChunkPooling):
    """The mean of the windows' vectors, each counted alike.

    ``Σ w[k] / K``. The last window counts as much as any, however few tokens it has: see ``Weighted``.

    Args:
        input_size: Size of a window's vector.
    Shape:
        vectors (M, W, D) float; mask (M, W) bool; tokens (M, W) int64; returns (M, D).
    Reference:
        Pappagari et al. (2019), "Hierarchical Transformers for Long Document Classification", arXiv:1910.10781, compare
        it. Differs: none.
    Example:
        >>> import torch
        >>> Mean(input_size=1)(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, True]]), torch.tensor([[9, 1]]))
        tensor([[2.]])
    """

    formula: ClassVar[str] = "Σ w[k] / K"
    source: ClassVar[str] = "Pappagari 2019, arXiv:1910.10781"

    def forward(self, vectors: Tensor, mask: Tensor, tokens: Tensor) -> Tensor:
        """Average the windows."""
        return masked_mean(vectors, mask)
