"""Additive attention."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from poolsweep.bounds import PositiveInt
from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import masked_softmax, weigh_tokens, zero_padding


class Attention(TokenPooling):
    """A weighted mean whose weights a small network reads off each token (additive attention).

    ``Σ softmax_t(v · tanh(W x[t] + b)) x[t]``. Padding gets no weight; zeros for an all-padding row.

    Args:
        attention_size: Width of the scoring network.
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        Bahdanau et al. (2014), "Neural Machine Translation by Jointly Learning to Align and Translate",
        arXiv:1409.0473, section 3.1; as a pooling: Yang et al. (2016), "Hierarchical Attention Networks for Document
        Classification", eq. 5-7. Differs: none from Yang et al.
    Example:
        >>> pooling = Attention(attention_size=4, input_size=2)
        >>> hidden, mask = torch.ones(1, 3, 2), torch.tensor([[True, True, False]])
        >>> pooling.explain(hidden, mask, PoolingContext())["weights"].detach()
        tensor([[0.5000, 0.5000, 0.0000]])
    """

    formula: ClassVar[str] = "Σ a[t] x[t], a = softmax_t(v·tanh(W x[t] + b))"
    source: ClassVar[str] = "Bahdanau 2014, arXiv:1409.0473"

    def __init__(self, *, attention_size: PositiveInt, input_size: int, include_special: bool = True) -> None:
        super().__init__(input_size=input_size, include_special=include_special)
        self.hidden_layer = nn.Linear(input_size, attention_size)
        self.score = nn.Linear(attention_size, 1, bias=False)

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
        return masked_softmax(self.score(torch.tanh(self.hidden_layer(states)))[..., 0], kept)
