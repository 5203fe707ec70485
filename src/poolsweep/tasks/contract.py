"""The target contract: what the outputs of a model mean, as a run decides it once and ``labels.json`` keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa


class Contract(ABC):
    """How targets are read, and what each output of a model stands for.

    Attributes:
        names: ``names[i]`` is what logit i stands for.
        separator: Stands between several names of a text where they are written as one.
        temperature: Number that logits are divided by before they are probabilities.
        blank_hint: What a message on an empty target says of how it should be written.
    """

    names: tuple[str, ...]
    separator: str = "|"
    temperature: float = 1.0
    blank_hint: ClassVar[str] = ""

    def __len__(self) -> int:
        """Number of logits of a text."""
        return len(self.names)

    @abstractmethod
    def encode(self, column: pa.ChunkedArray) -> np.ndarray:
        """Targets of a column.

        Shape:
            column (N,) string; returns (N,) or (N, C).
        """

    @abstractmethod
    def unknown(self, column: pa.ChunkedArray, *, where_seen: str) -> dict[str, tuple[str, str]]:
        """Values that are no targets, each with its name in a message and what is wrong; blank ones are left out.

        Args:
            column: Target of each row, (N,) string.
            where_seen: How messages call the place that the contract is from.
        """

    @abstractmethod
    def to_mapping(self) -> dict[str, Any]:
        """The content of ``labels.json``."""

    def together(self, others: Sequence[Contract]) -> Contract:
        """The contract of several models that predict together.

        Args:
            others: Contracts of the other models.
        Raises:
            ValueError: If they cannot.
        """
        if any(other != self for other in others):
            raise ValueError("have other labels")
        return self
