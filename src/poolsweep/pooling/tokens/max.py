"""The maximum over real tokens."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import dimensions_won, masked_max


class Max(TokenPooling):
    """The largest value of each dimension over real tokens ("max over time").

    ``max_t x[t]``. Padding never wins; zeros for an all-padding row.

    Args:
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        Conneau et al. (2017), "Supervised Learning of Universal Sentence Representations", arXiv:1705.02364,
        section 3.2; sentence-transformers' ``Pooling``. Differs: zeros, not -infinity, for an all-padding row.
    Example:
        >>> import torch
        >>> Max(input_size=1)(torch.tensor([[[-1.0], [0.0]]]), torch.tensor([[True, False]]), PoolingContext())
        tensor([[-1.]])
    """

    formula: ClassVar[str] = "max_t x[t]"
    source: ClassVar[str] = "Conneau 2017, arXiv:1705.02364"
    per_dimension: ClassVar[bool] = True

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Take the maximum of each dimension."""
        return masked_max(hidden, self.kept(mask, context))

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The share of the dimensions that each token won."""
        kept = self.kept(mask, context)
        return {"shares": dimensions_won(hidden, kept, masked_max(hidden, kept))}
