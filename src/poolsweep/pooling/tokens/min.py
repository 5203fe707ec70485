"""The minimum over real tokens."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import dimensions_won, masked_min


class Min(TokenPooling):
    """The smallest value of each dimension over real tokens.

    ``min_t x[t]``: the counterpart of max for features that signal by being low. Zeros for an all-padding row.

    Args:
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        De Boom et al. (2016), "Representation learning for very short texts using weighted word embedding aggregation",
        arXiv:1607.00570, section 3; Rücklé et al. (2018), arXiv:1803.01400 (the power mean with p = -∞). Differs: none.
    Example:
        >>> import torch
        >>> Min(input_size=1)(torch.tensor([[[1.0], [0.0]]]), torch.tensor([[True, False]]), PoolingContext())
        tensor([[1.]])
    """

    formula: ClassVar[str] = "min_t x[t]"
    source: ClassVar[str] = "De Boom 2016, arXiv:1607.00570"
    per_dimension: ClassVar[bool] = True

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Take the minimum of each dimension."""
        return masked_min(hidden, self.kept(mask, context))

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The share of the dimensions that each token won."""
        kept = self.kept(mask, context)
        return {"shares": dimensions_won(hidden, kept, masked_min(hidden, kept))}
