"""The mean over real tokens."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import masked_mean


class Mean(TokenPooling):
    """The mean over real tokens.

    ``Σ m[t] x[t] / Σ m[t]``. Padding never counts; zeros for an all-padding row.

    Args:
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        Reimers and Gurevych (2019), "Sentence-BERT", arXiv:1908.10084, section 3. Differs: counts clamp at 1, not 1e-9,
        which is 0 in float16.
    Example:
        >>> import torch
        >>> Mean(input_size=1)(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, True]]), PoolingContext())
        tensor([[2.]])
    """

    formula: ClassVar[str] = "Σ m[t] x[t] / Σ m[t]"
    source: ClassVar[str] = "Reimers 2019, arXiv:1908.10084"
    linear_in_tokens: ClassVar[bool] = True
    per_dimension: ClassVar[bool] = True

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Average the real tokens."""
        return masked_mean(hidden, self.kept(mask, context))
