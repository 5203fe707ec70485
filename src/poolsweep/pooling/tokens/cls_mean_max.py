"""First token, mean and maximum side by side."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import dimensions_won, first_token, masked_max, masked_mean


class ClsMeanMax(TokenPooling):
    """The first real token, the mean and the maximum over real tokens, concatenated.

    ``[x[0]; mean; max]``: a head can choose between all three. Zeros for an all-padding row.

    Args:
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out of mean and maximum, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, 3 * H).
    Reference:
        Howard and Ruder (2018), "Universal Language Model Fine-tuning for Text Classification", arXiv:1801.06146,
        section 3.3 (concat pooling). Differs: the first token of a bidirectional encoder takes the place of the last
        state.
    Example:
        >>> hidden, mask = torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, True]])
        >>> ClsMeanMax(input_size=1)(hidden, mask, PoolingContext())
        tensor([[1., 2., 3.]])
    """

    formula: ClassVar[str] = "[x[0]; mean_t x[t]; max_t x[t]]"
    source: ClassVar[str] = "Howard 2018, arXiv:1801.06146"
    uses_cls: ClassVar[bool] = True

    def __init__(self, *, input_size: int, include_special: bool = True) -> None:
        super().__init__(input_size=input_size, output_size=3 * input_size, include_special=include_special)

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Pool in three ways and concatenate."""
        kept = self.kept(mask, context)
        cls = first_token(hidden, self.cls_mask(mask, context))
        return torch.cat((cls, masked_mean(hidden, kept), masked_max(hidden, kept)), dim=-1)

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The share of the maximum's dimensions that each token won."""
        kept = self.kept(mask, context)
        return {"shares": dimensions_won(hidden, kept, masked_max(hidden, kept))}
