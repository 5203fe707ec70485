"""The sum over real tokens."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import masked_sum


class Sum(TokenPooling):
    """The sum over real tokens.

    ``Σ m[t] x[t]``: like the mean, but the text's length stays in the vector's norm. Zeros for an all-padding row.

    Args:
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        Zaheer et al. (2017), "Deep Sets", arXiv:1703.06114, theorem 2 (sums are the universal pooling of a set).
        Differs: no network before or after it.
    Example:
        >>> import torch
        >>> Sum(input_size=1)(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, True]]), PoolingContext())
        tensor([[4.]])
    """

    formula: ClassVar[str] = "Σ m[t] x[t]"
    source: ClassVar[str] = "Zaheer 2017, arXiv:1703.06114"
    linear_in_tokens: ClassVar[bool] = True
    per_dimension: ClassVar[bool] = True

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Add up the real tokens."""
        return masked_sum(hidden, self.kept(mask, context))
