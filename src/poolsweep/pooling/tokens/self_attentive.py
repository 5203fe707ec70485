"""Structured self-attention in several hops."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from poolsweep.bounds import NonNegativeFloat, PositiveInt
from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import masked_softmax, weigh_tokens, zero_padding


class SelfAttentive(TokenPooling):
    """Several weighted means side by side, pushed to look at different tokens by a penalty in the loss.

    ``A = softmax_t(W2 tanh(W1 x))``, result ``A x``, penalty ``‖A Aᵀ − I‖²`` averaged over the rows. Padding gets no
    weight; zeros for an all-padding row, which adds nothing to the penalty either.

    Args:
        attention_size: Width of the scoring network.
        hops: Weighted means (r).
        penalty: Factor of the penalty in the loss; the penalty exists in training mode only.
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, hops * H).
    Reference:
        Lin et al. (2017), "A Structured Self-attentive Sentence Embedding", arXiv:1703.03130, eq. 6-8. Differs: none.
    Example:
        >>> pooling = SelfAttentive(attention_size=4, hops=2, penalty=1.0, input_size=3)
        >>> pooling(torch.ones(1, 5, 3), torch.ones(1, 5, dtype=torch.bool), PoolingContext()).detach()
        tensor([[1., 1., 1., 1., 1., 1.]])
        >>> round(pooling.auxiliary_loss().item(), 4)  # two equal rows of 1/5: 2 (1/5 - 1)² + 2 (1/5)²
        1.36
    """

    formula: ClassVar[str] = "[a₁x; …; a_r x], a = softmax_t(W₂ tanh(W₁ x[t])), r = {hops}, + {penalty}·‖A Aᵀ − I‖²"
    source: ClassVar[str] = "Lin 2017, arXiv:1703.03130"

    def __init__(
        self,
        *,
        attention_size: PositiveInt,
        hops: PositiveInt,
        penalty: NonNegativeFloat,
        input_size: int,
        include_special: bool = True,
    ) -> None:
        super().__init__(input_size=input_size, output_size=hops * input_size, include_special=include_special)
        self.hops, self.penalty = hops, penalty
        self.hidden_layer = nn.Linear(input_size, attention_size, bias=False)
        self.score = nn.Linear(attention_size, hops, bias=False)
        self._last_penalty: Tensor | None = None

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Score the tokens once per hop and sum them."""
        kept = self.kept(mask, context)
        states = zero_padding(hidden, kept)
        weights = self._weights(states, kept)
        if self.training and self.penalty > 0:
            self._last_penalty = self.penalty * self._redundancy(weights, mask)
        return weigh_tokens(weights, states).flatten(1)

    def auxiliary_loss(self) -> Tensor | None:
        """The penalty of the last forward pass in training mode, handed out once."""
        penalty, self._last_penalty = self._last_penalty, None
        return penalty

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The attention of each hop: (B, hops, T)."""
        kept = self.kept(mask, context)
        return {"weights": self._weights(zero_padding(hidden, kept), kept)}

    def _weights(self, states: Tensor, kept: Tensor) -> Tensor:
        scores = self.score(torch.tanh(self.hidden_layer(states)))
        return masked_softmax(scores.transpose(1, 2), kept[:, None])

    def _redundancy(self, weights: Tensor, mask: Tensor) -> Tensor:
        real = mask.any(dim=1)
        excess = weights @ weights.transpose(1, 2) - torch.eye(self.hops, device=weights.device)
        squares = excess.square().sum(dim=(1, 2)).masked_fill(~real, 0)
        return squares.sum() / real.sum().clamp(min=1)
