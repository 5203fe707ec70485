"""Attention of one learned query over the windows."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from poolsweep.pooling.chunks.base import ChunkPooling
from poolsweep.pooling.functional import at_least_float32, masked_softmax, zero_padding


class Attention(ChunkPooling):
    """A weighted mean of the windows' vectors; the weights are their scaled dot products with one learned vector.

    ``Σ softmax_k(q · w[k] / √D) w[k]``. The query starts at 0, which is the mean.

    Args:
        input_size: Size of a window's vector.
    Shape:
        vectors (M, W, D) float; mask (M, W) bool; tokens (M, W) int64; returns (M, D).
    Reference:
        Sun et al. (2019), "How to Fine-Tune BERT for Text Classification?", arXiv:1905.05583, section 5.3.1
        (hierarchical methods, self-attention pooling). Differs: the query is learned, keys and values are the vectors.
    Example:
        >>> import torch
        >>> pooling = Attention(input_size=1)
        >>> pooling(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, True]]), torch.tensor([[3, 1]])).detach()
        tensor([[2.]])
    """

    formula: ClassVar[str] = "Σ a[k] w[k], a = softmax_k(q·w[k] / √D)"
    source: ClassVar[str] = "Sun 2019, arXiv:1905.05583"

    def __init__(self, *, input_size: int) -> None:
        super().__init__(input_size=input_size)
        self.query = nn.Parameter(torch.zeros(input_size))

    def forward(self, vectors: Tensor, mask: Tensor, tokens: Tensor) -> Tensor:
        """Score the windows and sum them."""
        states = at_least_float32(zero_padding(vectors, mask))
        query = at_least_float32(self.query) * self.input_size**-0.5
        weights = masked_softmax((states * query).sum(dim=-1), mask)
        return (weights[..., None] * states).sum(dim=1).to(vectors.dtype)
