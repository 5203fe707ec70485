"""The base class: a map of pooled vectors that is fitted once, before training."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn


class Postprocess(nn.Module):
    """Maps pooled vectors to what the head reads.

    Attributes:
        needs_fit: Whether ``fit`` must be called with the training split's vectors before training.
        output_size: Size of the mapped vector.
    """

    needs_fit: bool = False

    def __init__(self, *, size: int) -> None:
        super().__init__()
        self.output_size = size

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Estimate what the map needs from the training split's pooled vectors, (B, D) each, in file order."""

    def forward(self, pooled: Tensor) -> Tensor:
        """Map the vectors; (B, D) → (B, output_size)."""
        return pooled
