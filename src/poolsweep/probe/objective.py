"""The penalised cross-entropy of a linear softmax classifier, over vectors that may not fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

Blocks = Callable[[], Iterator[Tensor]]

_PIECE_BYTES = 3 * 2**20  # of a block's rows: what a product takes at once should stay in a core's cache


@dataclass(frozen=True)
class Rows:
    """Weighted, labelled vectors that are read block by block.

    Attributes:
        blocks: Gives the vectors from the first row to the last, (n, D) each; called once per pass over them.
        labels: (N,) int64 label ids.
        weights: (N,) of each row in the mean; they sum to 1.
        num_labels: C.
        smoothing: Label smoothing, 0 to 1: the share of a row's target that is spread over all labels.
    """

    blocks: Blocks
    labels: Tensor
    weights: Tensor
    num_labels: int
    smoothing: float = 0.0

    def multiply(self, weight: Tensor) -> Tensor:
        """``weight xᵀ`` for all rows; (C, D) → (C, N)."""
        product = weight.new_empty(weight.shape[0], len(self.labels))
        for columns, rows in self._pieces():
            torch.mm(weight, rows.T, out=product[:, columns])
        return product

    def multiply_back(self, residual: Tensor) -> Tensor:
        """``residual x`` summed over the rows; (C, N) → (C, D)."""
        total: Tensor | None = None
        for columns, rows in self._pieces():
            total = residual[:, columns] @ rows if total is None else total.addmm_(residual[:, columns], rows)
        assert total is not None, "rows without a block"
        return total

    def _pieces(self) -> Iterator[tuple[slice, Tensor]]:
        """The vectors in pieces of a block, each with its place among all rows."""
        start = 0
        for block in self.blocks():
            for piece in block.split(max(256, _PIECE_BYTES // (block.element_size() * block.shape[1]))):
                yield slice(start, start + len(piece)), piece
                start += len(piece)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Weighted mean (D,) and covariance (D, D) of the vectors."""
        second: Tensor | None = None
        first, start = torch.zeros(1), 0
        for block in self.blocks():
            weights = self.weights[start : start + len(block)].to(block.dtype)
            weighted = block * weights[:, None]
            second, first = (
                (weighted.T @ block, weighted.sum(dim=0))
                if second is None
                else (second.addmm_(weighted.T, block), first + weighted.sum(dim=0))
            )
            start += len(block)
        assert second is not None, "rows without a block"
        return first, second - torch.outer(first, first)

    def every(self, step: int) -> Tensor:
        """Each so many-th of the vectors, from the first."""
        return torch.cat([piece[-columns.start % step :: step] for columns, piece in self._pieces()])

    def loss(self, logits: Tensor) -> float:
        """The weighted mean cross-entropy; logits (C, N)."""
        spread = self.smoothing * logits.mean(dim=0) if self.smoothing else 0.0
        chosen = logits.gather(0, self.labels[None])[0]
        losses = torch.logsumexp(logits, dim=0) - (1 - self.smoothing) * chosen - spread
        return float(torch.dot(losses.double(), self.weights))

    def residual(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """The loss's gradient by the logits, and the probabilities; both (C, N)."""
        probabilities = torch.softmax(logits, dim=0)
        residual = probabilities - self.smoothing / self.num_labels
        hit = residual.new_full((1, 1), self.smoothing - 1).expand(1, len(self.labels))
        residual.scatter_add_(0, self.labels[None], hit)
        return residual.mul_(self.weights.to(logits.dtype)), probabilities

    def curvature(self, probabilities: Tensor) -> float:
        """Mean over rows and labels of ``p (1 − p)``: how much the loss bends, on average, in a logit."""
        bend = (probabilities * (1 - probabilities)).mean(dim=0)
        return float(torch.dot(bend.double(), self.weights))
