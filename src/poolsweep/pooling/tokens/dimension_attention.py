"""Attention with weights of its own for every dimension."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from poolsweep.bounds import PositiveInt
from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import at_least_float32, masked_softmax, zero_padding


class DimensionAttention(TokenPooling):
    """A weighted mean in which every dimension has weights of its own (generalized pooling).

    ``Σ softmax_t(W2 ReLU(W1 x[t] + b1) + b2) ⊙ x[t]``: mean, maximum and attention are its special cases. Several heads
    are concatenated. Padding gets no weight; zeros for an all-padding row.

    Args:
        attention_size: Width of the scoring network of a head.
        num_heads: Heads (I).
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, num_heads * H).
    Reference:
        Chen et al. (2018), "Enhancing Sentence Embedding with Generalized Pooling", arXiv:1806.09828, section 3.2.
        Differs: no penalty on alike heads.
    Example:
        >>> pooling = DimensionAttention(attention_size=4, num_heads=2, input_size=3)
        >>> pooling(torch.ones(1, 5, 3), torch.ones(1, 5, dtype=torch.bool), PoolingContext()).shape
        torch.Size([1, 6])
    """

    formula: ClassVar[str] = "Σ a[t] ⊙ x[t], a = softmax_t(W₂ ReLU(W₁ x[t] + b₁) + b₂), {num_heads} heads"
    source: ClassVar[str] = "Chen 2018, arXiv:1806.09828"

    def __init__(
        self,
        *,
        attention_size: PositiveInt,
        num_heads: PositiveInt,
        input_size: int,
        include_special: bool = True,
    ) -> None:
        super().__init__(input_size=input_size, output_size=num_heads * input_size, include_special=include_special)
        self.num_heads = num_heads
        self.hidden_layers = nn.ModuleList(nn.Linear(input_size, attention_size) for _ in range(num_heads))
        self.scores = nn.ModuleList(nn.Linear(attention_size, input_size) for _ in range(num_heads))

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Score every dimension of the tokens and sum them."""
        kept = self.kept(mask, context)
        states = zero_padding(hidden, kept)
        values = at_least_float32(states).transpose(1, 2)
        heads = [(self._weights(head, states, kept) * values).sum(dim=2) for head in range(self.num_heads)]
        return torch.cat(heads, dim=1).to(hidden.dtype)

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The attention of each head, averaged over the dimensions: (B, num_heads, T)."""
        kept = self.kept(mask, context)
        states = zero_padding(hidden, kept)
        heads = [self._weights(head, states, kept).mean(dim=1) for head in range(self.num_heads)]
        return {"weights": torch.stack(heads, dim=1)}

    def _weights(self, head: int, states: Tensor, kept: Tensor) -> Tensor:
        scores = self.scores[head](torch.relu(self.hidden_layers[head](states)))
        return masked_softmax(scores.transpose(1, 2), kept[:, None])
