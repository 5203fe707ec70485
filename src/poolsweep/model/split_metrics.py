"""The metrics of a split over batches and processes, from what is stored of its predictions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from poolsweep.distributed.group import all_gather
from poolsweep.tasks import Contract, Task


class SplitMetrics:
    """Collects a split's logits and targets, and measures what is predicted of them all at once.

    So a metric is never a mean over batches, it is the same however many processes share the batches, and it follows
    from the predictions file of a run.

    Args:
        task: Says what is measured.
        contract: The target contract.
        names: Names of the metrics.
        prefix: ``val/`` or ``test/``.
        settles: Whether the split decides what the contract leaves open, as validation does.
    Attributes:
        contract: The target contract as it was given.
        settled: The contract that the split was last measured by.
    """

    def __init__(self, task: Task, contract: Contract, names: Sequence[str], *, prefix: str, settles: bool) -> None:
        self.task, self.contract, self.settled = task, contract, contract
        self.names, self.prefix, self.settles = tuple(names), prefix, settles
        self._found: list[tuple[int, Tensor, Tensor]] = []

    def update(self, logits: Tensor, targets: Tensor, *, place: int = 0) -> None:
        """Take note of a batch.

        Args:
            logits: Logits of the batch, (B, C).
            targets: Targets of it, (B, …).
            place: Number of the batch among the batches of all processes.
        """
        self._found.append((place, logits.detach().cpu(), targets.cpu()))

    def compute(self) -> dict[str, Tensor]:
        """Name → value, of the rows of all processes."""
        found = sorted((part for of_one in all_gather(self._found) for part in of_one), key=lambda part: part[0])
        logits = torch.cat([part for _, part, _ in found])
        targets = torch.cat([part for _, _, part in found]).numpy()
        if not bool(logits.isfinite().all()):  # training has diverged
            return {f"{self.prefix}{name}": torch.tensor(float("nan")) for name in self.names}
        self.settled = self.task.settled(self.contract, targets, logits) if self.settles else self.contract
        outputs = self.task.predicted(self.settled, logits).numpy()
        values = self.task.measured(self.names, self.task.outcomes(self.settled, targets, outputs))
        return {f"{self.prefix}{name}": torch.tensor(value, dtype=torch.float64) for name, value in values.items()}

    def reset(self) -> None:
        """Forget all batches."""
        self._found.clear()
