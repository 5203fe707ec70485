"""The mean of the windows, by their numbers of tokens."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.chunks.base import ChunkPooling
from poolsweep.pooling.functional import accumulation_dtype, at_least_float32, zero_padding


class Weighted(ChunkPooling):
    """The mean of the windows' vectors, each counted by the tokens that it adds to the document.

    ``Σ n[k] w[k] / Σ n[k]``. A token of an overlap counts in the first of its windows. Beside a mean over tokens this
    is nearly ``tokens``: the special tokens of each window are in its mean.

    Args:
        input_size: Size of a window's vector.
    Shape:
        vectors (M, W, D) float; mask (M, W) bool; tokens (M, W) int64; returns (M, D).
    Reference:
        This project. Differs: none.
    Example:
        >>> import torch
        >>> Weighted(input_size=1)(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, True]]), torch.tensor([[3, 1]]))
        tensor([[1.5000]])
    """

    formula: ClassVar[str] = "Σ n[k] w[k] / Σ n[k], n = tokens of the window"
    source: ClassVar[str] = "this project"

    def forward(self, vectors: Tensor, mask: Tensor, tokens: Tensor) -> Tensor:
        """Average the windows by their tokens."""
        counts = tokens.masked_fill(~mask, 0).to(accumulation_dtype(vectors.dtype))
        shares = counts / counts.sum(dim=1, keepdim=True).clamp(min=1)  # 1 for a single window: no vector is rounded
        states = at_least_float32(zero_padding(vectors, mask))
        return (shares[..., None] * states).sum(dim=1).to(vectors.dtype)
