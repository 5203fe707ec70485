"""Poolings of our own."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling import TokenPooling
from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.functional import first_token, last_token


class Ends(TokenPooling):
    """The mean of the first and the last real token.

    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H), zeros for an all-padding row.
    """

    formula: ClassVar[str] = "(x[0] + x[-1]) / 2"
    source: ClassVar[str] = "this project"
    linear_in_tokens: ClassVar[bool] = True
    per_dimension: ClassVar[bool] = True

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Average the two ends."""
        return (first_token(hidden, mask) + last_token(hidden, mask)) / 2
