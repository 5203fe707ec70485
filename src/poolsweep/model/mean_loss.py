"""The mean loss of a split over batches and processes."""

from __future__ import annotations

import torch
from torch import Tensor

from poolsweep.distributed.group import all_gather


class MeanLoss:
    """The mean loss over all rows of a split, the same to the last bit however many processes share its batches."""

    def __init__(self) -> None:
        self._found: list[tuple[int, float, Tensor]] = []

    def add(self, mean: Tensor, *, weight: float, place: int) -> None:
        """Take note of a batch.

        Args:
            mean: Mean loss of the batch.
            weight: What its rows count together: their number, unless the loss weighs them.
            place: Number of the batch among the batches of all processes.
        """
        self._found.append((place, weight, mean.detach()))

    def compute(self) -> Tensor:
        """The mean over the rows of all processes, added up in the order of the batches; NaN if one is."""
        found = [(place, weight, mean.item()) for place, weight, mean in self._found]
        found = sorted(part for of_one in all_gather(found) for part in of_one)
        total = sum(weight for _, weight, _ in found)
        return torch.tensor(sum(weight * mean for _, weight, mean in found) / total if total else float("nan"))

    def reset(self) -> None:
        """Forget all batches."""
        self._found.clear()
