"""The largest value of each dimension over the windows."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.chunks.base import ChunkPooling
from poolsweep.pooling.functional import masked_max


class Max(ChunkPooling):
    """The largest value of each dimension over the windows' vectors.

    ``max_k w[k]``: what one window says clearly is not drowned by the others.

    Args:
        input_size: Size of a window's vector.
    Shape:
        vectors (M, W, D) float; mask (M, W) bool; tokens (M, W) int64; returns (M, D).
    Reference:
        Sun et al. (2019), "How to Fine-Tune BERT for Text Classification?", arXiv:1905.05583, section 5.3.1
        (hierarchical methods, max pooling). Differs: of any pooled vector, not of [CLS] alone.
    Example:
        >>> import torch
        >>> Max(input_size=1)(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, True]]), torch.tensor([[9, 1]]))
        tensor([[3.]])
    """

    formula: ClassVar[str] = "max_k w[k]"
    source: ClassVar[str] = "Sun 2019, arXiv:1905.05583"

    def forward(self, vectors: Tensor, mask: Tensor, tokens: Tensor) -> Tensor:
        """Take the largest."""
        return masked_max(vectors, mask)
