"""The generalized pooling operator: learned weights for sorted values."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from poolsweep.bounds import PositiveFloat, PositiveInt
from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import (
    at_least_float32,
    masked_softmax,
    reverse_tokens,
    run_recurrent,
    sorted_tokens,
    weigh_tokens,
)


class GeneralizedPooling(TokenPooling):
    """Each dimension's values, sorted, are weighted by coefficients learned for their rank (GPO).

    ``Σ_k θ(k, n) sort_t(x[t])[k]``: with θ all at rank 1 the maximum, with equal θ the mean, with the first K ranks the
    K-max pooling. A small bidirectional GRU over position encodings of the ranks gives the coefficients for any number
    n of tokens. Zeros for an all-padding row.

    Args:
        position_size: Size of a rank's sine and cosine encoding; even.
        state_size: Size of the GRU's state.
        temperature: Divides the scores before their softmax.
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Raises:
        ValueError: If ``position_size`` is odd.
    Reference:
        Chen et al. (2021), "Learning the Best Pooling Strategy for Visual Semantic Embedding", arXiv:2011.04305,
        section 3.2. Differs: the two directions are two GRUs over unpacked rows, which gives the same numbers.
    Example:
        >>> pooling = GeneralizedPooling(position_size=4, state_size=4, temperature=0.1, input_size=1)
        >>> pooling(torch.tensor([[[5.0], [7.0]]]), torch.tensor([[True, False]]), PoolingContext()).detach()
        tensor([[5.]])
    """

    formula: ClassVar[str] = "Σ_k θ(k, n) sort_t(x[t])[k]"
    source: ClassVar[str] = "Chen 2021, arXiv:2011.04305"
    per_dimension: ClassVar[bool] = True

    def __init__(
        self,
        *,
        position_size: PositiveInt,
        state_size: PositiveInt,
        temperature: PositiveFloat,
        input_size: int,
        include_special: bool = True,
    ) -> None:
        if position_size < 2 or position_size % 2:
            raise ValueError(f"pooling.tokens.position_size must be an even number from 2 on, got {position_size}")
        super().__init__(input_size=input_size, include_special=include_special)
        self.position_size, self.temperature = position_size, temperature
        self.from_largest = nn.GRU(position_size, state_size, batch_first=True)
        self.from_smallest = nn.GRU(position_size, state_size, batch_first=True)
        self.score = nn.Linear(state_size, 1, bias=False)

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Sort each dimension and sum by rank."""
        kept = self.kept(mask, context)
        coefficients = self._coefficients(kept)
        return weigh_tokens(coefficients[:, None], sorted_tokens(hidden, kept))[:, 0]

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The coefficients that each token got, averaged over the dimensions."""
        kept = self.kept(mask, context)
        ordered = hidden.masked_fill(~kept[..., None], torch.finfo(hidden.dtype).min)
        ranks = ordered.argsort(dim=1, descending=True).argsort(dim=1)
        coefficients = self._coefficients(kept)[..., None].expand(-1, -1, hidden.shape[2])
        return {"weights": coefficients.gather(1, ranks).mean(dim=2).masked_fill(~kept, 0)}

    def _coefficients(self, kept: Tensor) -> Tensor:
        lengths = kept.sum(dim=1)
        ranks = torch.arange(kept.shape[1], device=kept.device)
        encoded = self._encode(ranks)[None]
        down = run_recurrent(self.from_largest, encoded)
        up = run_recurrent(self.from_smallest, reverse_tokens(encoded.expand(kept.shape[0], -1, -1), lengths))
        states = (down + reverse_tokens(up, lengths)) / 2
        scores = at_least_float32(self.score(states)[..., 0]) / self.temperature
        return masked_softmax(scores, ranks < lengths[:, None])

    def _encode(self, ranks: Tensor) -> Tensor:
        weight = self.score.weight
        steps = torch.arange(0, self.position_size, 2, device=ranks.device) / self.position_size
        angles = ranks[:, None] * 10000.0**-steps
        return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1).to(weight.dtype)
