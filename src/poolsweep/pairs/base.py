"""What every way of reading pairs is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor


class Pairs(ABC):
    """From what the pooling gives to the vector that post-processing and head read.

    Attributes:
        two_towers: Whether each text of a pair is an input of its own, and has a pooled vector of its own.
    """

    two_towers: ClassVar[bool]

    @abstractmethod
    def output_size(self, size: int) -> int:
        """Numbers of a vector.

        Args:
            size: D of the pooling.
        """

    @abstractmethod
    def __call__(self, pooled: Tensor) -> Tensor:
        """The vectors of some rows.

        Args:
            pooled: Pooled vectors; with two towers those of all first texts, then those of all second texts.
        Shape:
            pooled (B, D), with two towers (2B, D); returns (B, ``output_size``).
        """
