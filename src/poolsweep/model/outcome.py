"""What came out of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What every run found, however it came by its head.

    Attributes:
        metrics: Name → value, of the selected weights: ``val/…`` and ``test/…``.
        best_epoch: The epoch after which they were saved, 1 = first; 0 where there are no epochs.
        epochs: Epochs trained.
        steps: Optimizer steps, or iterations of a solver.
        train_seconds: Time of training with its validations, that of earlier processes included.
        examples_per_second: Training examples by that time.
        peak_memory_mib: ``process`` and, with a GPU, ``gpu``; of the process of the run that needed most.
        parameters: ``trained`` and ``pooled_size``.
    """

    metrics: dict[str, float]
    best_epoch: int
    epochs: int
    steps: int
    train_seconds: float
    examples_per_second: float
    peak_memory_mib: dict[str, float]
    parameters: dict[str, int]
