"""The mean over real tokens."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import masked_mean


class Mean(TokenPooling):
    """The mean over real tokens, special tokens included.

    ``Σ m[t] x[t] / Σ m[t]``. Padding never counts; zeros for an all-padding row.

    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        Reimers and Gurevych (2019), "Sentence-BERT", arXiv:1908.10084, section 3. Differs: sums in float32 at least.
    Example:
        >>> import torch
        >>> Mean(input_size=1)(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, True]]), PoolingContext())
        tensor([[2.]])
    """

    formula: ClassVar[str] = "Σ m[t] x[t] / Σ m[t]"
    linear_in_tokens: ClassVar[bool] = True
    per_dimension: ClassVar[bool] = True

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Average the real tokens."""
        return masked_mean(hidden, mask)
