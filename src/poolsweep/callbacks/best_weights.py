"""Keeps the weights with the best validation metric."""

from __future__ import annotations

import math
from pathlib import Path

import pytorch_lightning as pl
import torch
from safetensors.torch import load_file, save_file

from poolsweep.run.files import write_whole


class TrainingDivergedError(Exception):
    """The loss or the monitored metric is not a number."""


class BestWeights(pl.Callback):
    """Writes the module's weights whenever the monitored metric improves; on a tie the earlier stay.

    Args:
        path: A safetensors file; it appears whole or not at all.
        monitor: Name of the metric.
        mode: ``max`` or ``min``.
    """

    def __init__(self, path: Path, *, monitor: str, mode: str) -> None:
        self.path = path
        self.monitor = monitor
        self.sign = 1 if mode == "max" else -1
        self.value: float | None = None
        self.epoch = self.step = 0

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare, and save if better."""
        if trainer.state.fn != "fit":
            return
        loss = float(trainer.callback_metrics["val/loss"])
        if not math.isfinite(loss):
            raise TrainingDivergedError(
                f"val/loss is {loss} after {trainer.global_step} steps; lower optimizer.lr or optimizer.head_lr"
            )
        value = float(trainer.callback_metrics[self.monitor])
        if self.value is None or self.sign * value > self.sign * self.value:
            self.value, self.epoch, self.step = value, trainer.current_epoch + 1, trainer.global_step
            self.save(trainer, pl_module)

    def save(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the weights."""
        state = {k: v.detach().cpu().contiguous() for k, v in pl_module.state_dict().items() if v.numel()}
        if trainer.is_global_zero:
            with write_whole(self.path) as temporary:
                save_file(state, temporary)
        trainer.strategy.barrier()

    def restore(self, pl_module: pl.LightningModule) -> None:
        """Read the best weights back."""
        missing, unexpected = pl_module.load_state_dict(load_file(self.path), strict=False)
        state = pl_module.state_dict()
        missing = [name for name in missing if state[name].numel()]
        if missing or unexpected:
            raise RuntimeError(f"{self.path} does not fit the module: missing {missing}, unexpected {unexpected}")


def require_finite(loss: torch.Tensor, *, step: int) -> None:
    """Raise if a training loss is not a number.

    Raises:
        TrainingDivergedError: If it is infinite or NaN.
    """
    if not bool(torch.isfinite(loss)):
        raise TrainingDivergedError(
            f"train/loss is {float(loss)} at step {step}; lower optimizer.lr or optimizer.head_lr"
        )
