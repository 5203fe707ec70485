"""What a linear head is fitted to: vectors that may not fit into memory, and the loss that it minimises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from poolsweep.encoder.cpu_kernels.linear import few_times_many

Blocks = Callable[[], Iterator[Tensor]]

_PIECE_BYTES = 3 * 2**20  # of a block's rows: what a product takes at once should stay in a core's cache


@dataclass(frozen=True)
class Rows:
    """Weighted vectors that are read block by block.

    Attributes:
        blocks: Gives the vectors from the first row to the last, (n, D) each; called once per pass over them.
        weights: (N,) float64 of each row in the mean; they sum to 1.
    """

    blocks: Blocks
    weights: Tensor

    def __len__(self) -> int:
        return len(self.weights)

    def multiply(self, weight: Tensor) -> Tensor:
        """``weight xᵀ`` for all rows; (C, D) → (C, N)."""
        product = weight.new_empty(weight.shape[0], len(self))
        for columns, rows in self.pieces():
            product[:, columns] = few_times_many(weight, rows)
        return product

    def multiply_back(self, residual: Tensor) -> Tensor:
        """``residual x`` summed over the rows; (C, N) → (C, D)."""
        total: Tensor | None = None
        for columns, rows in self.pieces():
            added = few_times_many(residual[:, columns], rows.T)
            total = added if total is None else total.add_(added)
        assert total is not None, "rows without a block"
        return total

    def pieces(self) -> Iterator[tuple[slice, Tensor]]:
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
        return torch.cat([piece[-columns.start % step :: step] for columns, piece in self.pieces()])


class Objective(ABC):
    """The loss of a linear head's outputs for the rows that it is fitted to, and how it bends.

    Attributes:
        num_outputs: C.
    """

    num_outputs: int

    @abstractmethod
    def start(self, size: int) -> Tensor:
        """The head that a path of penalties starts from: weights and, last of each output, the bias.

        Args:
            size: D.
        Shape:
            Returns (C, D + 1) float64.
        """

    @abstractmethod
    def loss(self, outputs: Tensor) -> float:
        """The weighted mean over the rows, added up over outputs that are fitted apart; outputs (C, N)."""

    @abstractmethod
    def shown(self, loss: float) -> float:
        """The same loss as a training loop would log it."""

    @abstractmethod
    def residual(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """The loss's gradient by the outputs, and the probabilities; both (C, N)."""

    @abstractmethod
    def bend(self, probabilities: Tensor, change: Tensor) -> float:
        """The loss's second derivative along a change of the outputs; both (C, N)."""

    @abstractmethod
    def curvature(self, probabilities: Tensor) -> float:
        """How much the loss bends in an output, as a mean over rows and outputs; probabilities (C, N)."""

    @abstractmethod
    def coupled(self, probabilities: Tensor, *, sample: Tensor, every: int) -> Tensor:
        """The curvature by a head on a few features, measured on a sample of the rows.

        Args:
            probabilities: Probabilities of all rows.
            sample: Features of the sample, the last of them 1.
            every: The sample is each so many-th of the rows.
        Shape:
            probabilities (C, N); sample (n, K); returns (G, C · K / G, C · K / G): outputs of G groups bend apart.
        """

    @abstractmethod
    def most_change(self, change: Tensor) -> float:
        """At most how much a change of the outputs (C, N) changes a probability of a row."""
