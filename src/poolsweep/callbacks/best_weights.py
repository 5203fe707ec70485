"""Keeps the weights with the best validation metric."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from safetensors.torch import load_file, save_file
from torch import Tensor

from poolsweep.callbacks.average.base import selects
from poolsweep.distributed.fsdp import load_whole_state, whole_state
from poolsweep.errors import TrainingDivergedError
from poolsweep.files.writing import checksum, make_durable, remove, write_whole
from poolsweep.metric_names import sign
from poolsweep.runs.checkpoints import CheckpointStore
from poolsweep.runs.records import DamagedError


class BestWeights(pl.Callback):
    """Writes the module's weights whenever the monitored metric improves; on a tie the earlier stay.

    While a run trains, each improvement has a file of its own, named by its step: a run that goes on from a checkpoint
    finds the weights that were best then. Those that no checkpoint can need are removed.

    Args:
        path: A safetensors file, which ``publish`` makes; it appears whole or not at all.
        monitor: Name of the metric.
        check_lock: Called before weights are written; raises if another process has the run now.
    """

    def __init__(self, path: Path, *, monitor: str, check_lock: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self.check_lock = check_lock
        self.monitor = monitor
        self.sign = sign(monitor)
        self.value: float | None = None
        self.epoch = self.step = 0
        self.checksum: str | None = None  # of their file
        self._checkpoints = CheckpointStore(path.parent)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare, and save if better."""
        if trainer.state.fn != "fit":
            return
        loss = float(trainer.callback_metrics["val/loss"])
        if not math.isfinite(loss):
            raise TrainingDivergedError(
                f"val/loss is {loss} after {trainer.global_step} steps; lower optimizer.lr or optimizer.head_lr"
            )
        if not selects(trainer):
            return
        value = float(trainer.callback_metrics[self.monitor])
        if self.value is None or self.sign * value > self.sign * self.value:
            self.value, self.epoch, self.step = value, trainer.current_epoch + 1, trainer.global_step
            self.save(trainer, pl_module)

    def save(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the weights."""
        state: dict[str, Tensor] = {}
        written: set[int] = set()  # where tensors lie: weights that are tied (T5's embeddings) are written twice
        for name, tensor in whole_state(pl_module).items():
            if tensor.numel():
                value = tensor.detach().cpu().contiguous()
                place = value.untyped_storage().data_ptr()
                state[name] = value.clone() if place in written else value
                written.add(place)
        self.checksum = None  # what an earlier process wrote down is of other weights; the leader alone knows these
        if trainer.is_global_zero:
            self.check_lock()
            with write_whole(self._candidate(self.step)) as temporary:
                save_file(state, temporary)
                self.checksum = checksum(temporary)
            self.prune()
        trainer.strategy.barrier()

    def keep_last(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the present weights, where no validation has selected any."""
        self.epoch, self.step = trainer.current_epoch, trainer.global_step
        self.save(trainer, pl_module)

    def restore(self, pl_module: pl.LightningModule) -> None:
        """Read the best weights back."""
        path = self._candidate(self.step)
        if self.checksum is not None and checksum(path) != self.checksum:
            raise DamagedError(f"{path} is damaged: its checksum is another; type the command again")
        missing, unexpected = load_whole_state(pl_module, load_file(path))
        state = pl_module.state_dict()
        missing = [name for name in missing if state[name].numel()]
        if missing or unexpected:
            raise RuntimeError(f"{path} does not fit the module: missing {missing}, unexpected {unexpected}")

    def publish(self) -> None:
        """Give the best weights their final name; the one they were written under stays until ``clear``."""
        self.check_lock()
        with write_whole(self.path, durable=True) as temporary:
            temporary.unlink()
            try:
                os.link(self._candidate(self.step), temporary)
            except OSError:  # a file system without links
                shutil.copyfile(self._candidate(self.step), temporary)

    def clear(self) -> None:
        """Remove all but the published file."""
        for _, path in self._candidates():
            remove(path)

    def make_durable(self) -> None:
        """Wait until the present best is on the disk, before a checkpoint relies on it."""
        if self.value is not None:
            make_durable(self._candidate(self.step))

    def prune(self) -> None:
        """Remove the weights that neither this run nor a checkpoint it may go back to can need."""
        oldest, oldest_needed = self._checkpoints.oldest_position(), self.step
        if oldest is not None:  # its best is the newest that was there before it
            known = [step for step, _ in self._candidates() if step < oldest[0] + oldest[1]]
            oldest_needed = min(max(known, default=0), self.step)
        for step, path in self._candidates():
            if step < oldest_needed:
                remove(path)

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"value": self.value, "epoch": self.epoch, "step": self.step, "checksum": self.checksum}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From a checkpoint; weights that were saved after it are removed."""
        self.value, self.epoch, self.step, self.checksum = (
            state_dict[key] for key in ("value", "epoch", "step", "checksum")
        )
        for step, path in self._candidates():
            if step > self.step:
                remove(path)

    def can_go_on_from(self, state: Mapping[str, Any]) -> bool:
        """Whether the weights that a checkpoint's ``state_dict`` speaks of are there, and are the same."""
        path = self._candidate(state["step"])
        return state["value"] is None or (path.is_file() and checksum(path) == state["checksum"])

    def _candidate(self, step: int) -> Path:
        return self.path.with_name(f"best-{step:08d}{self.path.suffix}")

    def _candidates(self) -> list[tuple[int, Path]]:
        found = self.path.parent.glob(f"best-*{self.path.suffix}")
        numbered = ((path.stem.partition("-")[2], path) for path in found)
        return sorted((int(step), path) for step, path in numbered if step.isdigit())
