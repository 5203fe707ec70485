"""The sum over real tokens by the square root of their number."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import mean_sqrt_len


class MeanSqrtLen(TokenPooling):
    """The sum over real tokens, divided by the square root of their number.

    ``Σ m[t] x[t] / √Σ m[t]``: between sum and mean; its norm does not grow with the length of random states. Zeros for
    an all-padding row.

    Args:
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        Cer et al. (2018), "Universal Sentence Encoder", arXiv:1803.11175, section 3.1; sentence-transformers'
        ``Pooling``. Differs: counts clamp at 1, not 1e-9, which is 0 in float16.
    Example:
        >>> import torch
        >>> MeanSqrtLen(input_size=1)(torch.ones(1, 4, 1), torch.tensor([[True] * 4]), PoolingContext())
        tensor([[2.]])
    """

    formula: ClassVar[str] = "Σ m[t] x[t] / √Σ m[t]"
    source: ClassVar[str] = "Cer 2018, arXiv:1803.11175"
    linear_in_tokens: ClassVar[bool] = True
    per_dimension: ClassVar[bool] = True

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Add up the real tokens and divide."""
        return mean_sqrt_len(hidden, self.kept(mask, context))
