"""One input for each row, of a single text or of both of a pair."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pairs.base import Pairs


class Joint(Pairs):
    """The encoder reads both texts of a pair together, as its tokenizer joins them; a single text as it is."""

    two_towers: ClassVar[bool] = False

    def output_size(self, size: int) -> int:
        """As the pooling has it."""
        return size

    def __call__(self, pooled: Tensor) -> Tensor:
        """The pooled vectors as they are."""
        return pooled
