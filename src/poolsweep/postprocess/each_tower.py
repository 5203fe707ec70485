"""Post-processing of each of two vectors by itself."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from poolsweep.postprocess.base import Postprocess


class EachTower(Postprocess):
    """The same map for both vectors of a pair, fitted on those of all first and all second texts.

    Args:
        inner: Maps one vector.
    Shape:
        pooled (B, 2D), u before v; returns (B, 2 × the inner map's ``output_size``).
    """

    def __init__(self, inner: Postprocess) -> None:
        super().__init__(size=2 * inner.output_size)
        self.inner = inner
        self.needs_fit = inner.needs_fit

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Fit the map on single vectors."""
        self.inner.fit(_singles(pooled) for pooled in batches)

    def forward(self, pooled: Tensor) -> Tensor:
        """Map both vectors."""
        return self.inner(_singles(pooled)).reshape(len(pooled), -1)


def _singles(pooled: Tensor) -> Tensor:
    """(B, 2D) → (2B, D)."""
    return pooled.reshape(-1, pooled.shape[-1] // 2)
