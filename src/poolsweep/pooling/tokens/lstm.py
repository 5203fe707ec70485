"""A bidirectional LSTM that reads the tokens."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from poolsweep.bounds import PositiveInt
from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import align_left, last_token, masked_max, reverse_tokens, run_recurrent


class Lstm(TokenPooling):
    """A bidirectional LSTM reads the tokens; its last states, or the maximum of all, are the result.

    ``[→LSTM(x); ←LSTM(x)]``. Padding is not read; zeros for an all-padding row.

    Args:
        state_size: Size of the state of one direction.
        read: "last" = the last state of each direction; "max" = the maximum of each dimension of all states.
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, 2 * state_size).
    Raises:
        ValueError: If ``read`` is neither.
    Reference:
        Conneau et al. (2017), "Supervised Learning of Universal Sentence Representations", arXiv:1705.02364,
        sections 3.2.1 (last) and 3.2.2 (max). Differs: on an encoder's states instead of word vectors; the two
        directions are two LSTMs over unpacked rows, which gives the same numbers.
    Example:
        >>> pooling = Lstm(state_size=3, read="last", input_size=2)
        >>> pooling(torch.ones(1, 4, 2), torch.ones(1, 4, dtype=torch.bool), PoolingContext()).shape
        torch.Size([1, 6])
    """

    formula: ClassVar[str] = "{read} of [→LSTM(x); ←LSTM(x)], {state_size} wide each"
    source: ClassVar[str] = "Conneau 2017, arXiv:1705.02364"

    def __init__(
        self, *, state_size: PositiveInt, read: Literal["last", "max"], input_size: int, include_special: bool = True
    ) -> None:
        if read not in ("last", "max"):
            raise ValueError(f"pooling.tokens.read must be last or max, got {read}")
        super().__init__(input_size=input_size, output_size=2 * state_size, include_special=include_special)
        self.state_size, self.read = state_size, read
        self.forwards = nn.LSTM(input_size, state_size, batch_first=True)
        self.backwards = nn.LSTM(input_size, state_size, batch_first=True)

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Read the tokens in both directions."""
        states, mask = align_left(hidden, self.kept(mask, context))
        backwards = reverse_tokens(states, mask.sum(dim=1))
        pool = last_token if self.read == "last" else masked_max
        read = ((self.forwards, states), (self.backwards, backwards))
        return torch.cat([pool(run_recurrent(network, ordered), mask) for network, ordered in read], dim=1)
