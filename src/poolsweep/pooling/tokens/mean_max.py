"""Mean and maximum side by side."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import dimensions_won, masked_max, masked_mean


class MeanMax(TokenPooling):
    """The mean and the maximum over real tokens, concatenated.

    ``[mean; max]``: what a text is about, and what stands out in it. Zeros for an all-padding row.

    Args:
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out of mean and maximum, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, 2 * H).
    Reference:
        Shen et al. (2018), "Baseline Needs More Love", arXiv:1805.09843, section 3 (SWEM-concat). Differs: on
        contextual states instead of word vectors.
    Example:
        >>> hidden, mask = torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, True]])
        >>> MeanMax(input_size=1)(hidden, mask, PoolingContext())
        tensor([[2., 3.]])
    """

    formula: ClassVar[str] = "[mean_t x[t]; max_t x[t]]"
    source: ClassVar[str] = "Shen 2018, arXiv:1805.09843"

    def __init__(self, *, input_size: int, include_special: bool = True) -> None:
        super().__init__(input_size=input_size, output_size=2 * input_size, include_special=include_special)

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Pool in two ways and concatenate."""
        kept = self.kept(mask, context)
        return torch.cat((masked_mean(hidden, kept), masked_max(hidden, kept)), dim=-1)

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The share of the maximum's dimensions that each token won."""
        kept = self.kept(mask, context)
        return {"shares": dimensions_won(hidden, kept, masked_max(hidden, kept))}
