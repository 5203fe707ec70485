"""Ends a run in the middle of its schedule, where others that it repeats were best."""

from __future__ import annotations

import pytorch_lightning as pl


class StopAt(pl.Callback):
    """Ends training after a share of the scheduled steps; learning rates are what they would be without it.

    Args:
        share: Above 0, at most 1.
    """

    def __init__(self, share: float) -> None:
        self._share = share

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Limit the steps, now that the schedule is made of all of them."""
        scheduled = int(trainer.estimated_stepping_batches)
        trainer.fit_loop.epoch_loop.max_steps = max(1, round(self._share * scheduled))
