"""Attention of one learned query."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import at_least_float32, masked_softmax, weigh_tokens, zero_padding


class QueryAttention(TokenPooling):
    """A weighted mean whose weights are the tokens' scaled dot products with one learned vector.

    ``Σ softmax_t(q · x[t] / √H) x[t]``: the smallest attention, H parameters. The query starts at 0, which is the mean.
    Padding gets no weight; zeros for an all-padding row.

    Args:
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        Vaswani et al. (2017), "Attention Is All You Need", arXiv:1706.03762, eq. 1, with one learned query as in Yang
        et al. (2016), "Hierarchical Attention Networks", eq. 6. Differs: keys and values are the states themselves.
    Example:
        >>> pooling = QueryAttention(input_size=1)
        >>> hidden, mask = torch.tensor([[[1.0], [3.0]]]), torch.tensor([[True, True]])
        >>> pooling(hidden, mask, PoolingContext()).detach()
        tensor([[2.]])
    """

    formula: ClassVar[str] = "Σ a[t] x[t], a = softmax_t(q·x[t] / √H)"
    source: ClassVar[str] = "Vaswani 2017, arXiv:1706.03762"

    def __init__(self, *, input_size: int, include_special: bool = True) -> None:
        super().__init__(input_size=input_size, include_special=include_special)
        self.query = nn.Parameter(torch.zeros(input_size))

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Score the tokens and sum them."""
        kept = self.kept(mask, context)
        states = zero_padding(hidden, kept)
        return weigh_tokens(self._weights(states, kept)[:, None], states)[:, 0]

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The attention of each token."""
        kept = self.kept(mask, context)
        return {"weights": self._weights(zero_padding(hidden, kept), kept)}

    def _weights(self, states: Tensor, kept: Tensor) -> Tensor:
        query = at_least_float32(self.query) * self.input_size**-0.5
        return masked_softmax(at_least_float32(states) @ query, kept)
