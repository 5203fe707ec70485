"""The mean weighted by position."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import position_weighted_mean


class PositionWeightedMean(TokenPooling):
    """The mean over real tokens, each weighted by its position from 1.

    ``Σ t m[t] x[t] / Σ t m[t]``: later tokens of a causal encoder have seen more. Special tokens that are left out keep
    their place in the count. Zeros for an all-padding row.

    Args:
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        Muennighoff (2022), "SGPT", arXiv:2202.08904, eq. 2; sentence-transformers' ``Pooling`` ("weightedmean").
        Differs: none.
    Example:
        >>> hidden, mask = torch.tensor([[[3.0], [6.0]]]), torch.tensor([[True, True]])
        >>> PositionWeightedMean(input_size=1)(hidden, mask, PoolingContext())
        tensor([[5.]])
    """

    formula: ClassVar[str] = "Σ t m[t] x[t] / Σ t m[t]"
    source: ClassVar[str] = "Muennighoff 2022, arXiv:2202.08904"
    linear_in_tokens: ClassVar[bool] = True
    per_dimension: ClassVar[bool] = True

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Average the real tokens by position."""
        positions = mask.to(torch.int32).cumsum(dim=1)
        return position_weighted_mean(hidden, self.kept(mask, context), positions)
