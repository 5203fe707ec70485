"""Tells status.json how training goes."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl

from poolsweep.runs.status import StatusFile


class Heartbeat(pl.Callback):
    """Reports epochs, steps and the monitored metric.

    Args:
        status: Status file of the run.
        monitor: Name of the metric.
    """

    def __init__(self, status: StatusFile, *, monitor: str) -> None:
        self._status = status
        self._monitor = monitor
        self._steps = self._first_step = 0
        self._started = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note how many steps there will be; asking at each step is slow."""
        self._steps = int(trainer.estimated_stepping_batches)
        self._first_step, self._started = trainer.global_step, time.monotonic()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Report the step."""
        if trainer.is_global_zero:
            self._status.update(
                phase="training", epoch=trainer.current_epoch + 1, epochs=trainer.max_epochs,
                step=trainer.global_step, steps=self._steps, seconds_left=self._seconds_left(trainer.global_step),
            )  # fmt: skip

    def _seconds_left(self, step: int) -> float | None:
        done = step - self._first_step
        return round((self._steps - step) * (time.monotonic() - self._started) / done, 1) if done else None

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the phase, once training is over; how long it takes is not known."""
        if trainer.is_global_zero and trainer.state.fn == "validate":
            self._status.update(force=True, phase="validating", seconds_left=None)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the metric."""
        if trainer.is_global_zero and trainer.state.fn == "fit":
            value = float(trainer.callback_metrics[self._monitor])
            self._status.update(force=True, epoch=trainer.current_epoch + 1, monitor=self._monitor, value=value)

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the phase."""
        if trainer.is_global_zero:
            self._status.update(force=True, phase="testing", seconds_left=None)
