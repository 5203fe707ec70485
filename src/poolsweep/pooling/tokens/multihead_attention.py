"""Pooling by multi-head attention of learned seeds."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from poolsweep.bounds import PositiveInt
from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import attend, zero_padding
from poolsweep.pooling.tokens.heads import check_heads


class MultiheadAttention(TokenPooling):
    """Learned seed vectors attend over the tokens, in a transformer block of their own (PMA).

    ``LN(z + ReLU(W z))`` with ``z = LN(s + MHA(s, x, x))`` for each seed s; several seeds are concatenated. Zeros for
    an all-padding row.

    Args:
        num_heads: Attention heads; must divide the token's size.
        num_seeds: Seeds (k).
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, num_seeds * H).
    Raises:
        ValueError: If ``num_heads`` does not divide ``input_size``.
    Reference:
        Lee et al. (2019), "Set Transformer", arXiv:1810.00825, eq. 6, 7 and 11. Differs: no feed-forward layer over the
        tokens before the attention, as in the authors' code.
    Example:
        >>> pooling = MultiheadAttention(num_heads=2, num_seeds=3, input_size=4)
        >>> pooling(torch.ones(1, 5, 4), torch.ones(1, 5, dtype=torch.bool), PoolingContext()).shape
        torch.Size([1, 12])
    """

    formula: ClassVar[str] = "LN(z + ReLU(W z)), z = LN(s + MHA(s, x, x)), {num_seeds} seeds, {num_heads} heads"
    source: ClassVar[str] = "Lee 2019, arXiv:1810.00825"

    def __init__(
        self,
        *,
        num_heads: PositiveInt,
        num_seeds: PositiveInt,
        input_size: int,
        include_special: bool = True,
    ) -> None:
        check_heads(num_heads, size=input_size)
        super().__init__(input_size=input_size, output_size=num_seeds * input_size, include_special=include_special)
        self.num_heads, self.num_seeds = num_heads, num_seeds
        self.seeds = nn.Parameter(torch.empty(num_seeds, input_size))
        nn.init.xavier_uniform_(self.seeds)
        self.query, self.key, self.value, self.output, self.feed_forward = (
            nn.Linear(input_size, input_size) for _ in range(5)
        )
        self.norm_attention, self.norm_output = nn.LayerNorm(input_size), nn.LayerNorm(input_size)

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Let the seeds attend over the tokens."""
        attended, _ = self._attend(hidden, self.kept(mask, context))
        states = self.norm_attention(self.seeds + self.output(attended))
        states = self.norm_output(states + torch.relu(self.feed_forward(states)))
        return states.flatten(1).masked_fill(~mask.any(dim=1, keepdim=True), 0)

    def explain(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> dict[str, Tensor]:
        """The attention of each seed's heads: (B, num_heads * num_seeds, T)."""
        return {"weights": self._attend(hidden, self.kept(mask, context))[1].flatten(1, 2)}

    def _attend(self, hidden: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        states = zero_padding(hidden, kept)
        query = self.query(self.seeds).expand(hidden.shape[0], -1, -1)
        return attend(query, self.key(states), self.value(states), kept, num_heads=self.num_heads)
