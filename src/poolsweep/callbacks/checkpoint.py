"""Writes checkpoints that a run goes on from with the same bits, and leaves when asked to."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from poolsweep.callbacks.best_weights import BestWeights
from poolsweep.callbacks.loop_state import (
    batches_done,
    epochs_done,
    gradients_are_pending,
    loop_state,
    restartable,
    set_loop_state,
)
from poolsweep.callbacks.random_state import random_states, restore_random_states
from poolsweep.distributed.group import all_gather
from poolsweep.errors import RunTimeoutError
from poolsweep.files.writing import write_whole
from poolsweep.loggers.metrics_file import read_rows
from poolsweep.loggers.tracker import Tracker
from poolsweep.process.signals import Interrupted, stop_signals
from poolsweep.runs.checkpoints import CheckpointStore
from poolsweep.runs.environment import versions, warn_of_other_versions

_log = logging.getLogger(__name__)
_KEY = "poolsweep"


class Checkpoint(pl.Callback):
    """Saves everything a run is made of, every so often and when it is asked to leave.

    A state is taken between two steps: before a training batch, or before a validation that is due. Beside what
    Lightning saves it holds all random states of every process, the position in the epoch, the exact counters and the
    lines of metrics.csv.

    Args:
        store: Store of the checkpoints.
        best: Keeper of the best weights, which belong to the state.
        metrics: The run's metrics.csv.
        every_steps: Save each time so many optimizer steps were taken; None = never for that.
        every_minutes: Save after so long without; None = never for that.
        timeout_minutes: Save and fail after so long; None = never.
        check_lock: Called before each save; raises if another process has the run now.
        micro_batches: Steps that each batch is divided into: a position counts them.
    """

    def __init__(
        self,
        store: CheckpointStore,
        *,
        best: BestWeights,
        metrics: Path,
        every_steps: int | None,
        every_minutes: float | None,
        timeout_minutes: float | None = None,
        check_lock: Callable[[], None] = lambda: None,
        micro_batches: int = 1,
    ) -> None:
        self.store = store
        self.seconds_before = 0.0  # of training in earlier processes
        self.resumed_at: int | None = None
        self._best, self._metrics, self._every_steps = best, metrics, every_steps
        self._every_seconds = None if every_minutes is None else 60 * every_minutes
        self._deadline = None if timeout_minutes is None else time.monotonic() + 60 * timeout_minutes
        self._timeout_minutes = timeout_minutes
        self._check_lock = check_lock
        self._micro_batches = micro_batches
        self._loaded: dict[str, Any] | None = None
        self._state: dict[str, Any] = {}
        self._saved_step, self._saved_time, self._started = 0, time.monotonic(), time.monotonic()

    def find(self, module: pl.LightningModule) -> Path | None:
        """The newest whole checkpoint that fits a module."""
        expected = {name: tensor.shape for name, tensor in module.state_dict().items()}

        def fits(path: Path) -> bool:
            try:
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
                return (
                    {name: tensor.shape for name, tensor in content["state_dict"].items()} == expected
                    and _KEY in content
                    and content[_KEY].get("micro_batches", 1) == self._micro_batches
                    and self._best.can_go_on_from(content[_KEY]["best"])
                )
            except Exception as error:  # whatever a damaged file makes of torch's reader
                _log.warning("%s cannot be read: %s", path.name, error)
                return False

        return self.store.latest(fits=fits)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From here on a signal waits for the end of a step.

        The signals are taken back from Lightning, which has just put handlers of its own in place.
        """
        self._started = self._saved_time = time.monotonic()
        self._saved_step = trainer.global_step
        stop_signals.install()
        stop_signals.deferring = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From here on there is nothing to save."""
        stop_signals.deferring = False
        if stop_signals.requested is not None:
            self._leave()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """A signal while the run is torn down need not wait."""
        stop_signals.deferring = False

    def on_train_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Between two steps, no validation due: save if it is time."""
        if self._loaded is not None:
            self._bring_back(trainer)
        elif batch_idx % trainer.accumulate_grad_batches == 0:
            self._between_steps(trainer, pl_module, validation_due=False)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Between a step and its validation: save if it is time, and keep the state for a signal while it runs."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        if self._loaded is not None:
            self._bring_back(trainer)
        if not gradients_are_pending(trainer):  # no checkpoint holds them: the step's end is soon enough
            self._between_steps(trainer, pl_module, validation_due=True)
            self._state = self._position(trainer, pl_module, validation_due=True)

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Leave if asked; the state before the validation is saved, since weights do not change in it."""
        if trainer.state.fn == "fit" and not gradients_are_pending(trainer) and self._asked(trainer):
            self._save(trainer)
            self._leave()

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add what Lightning leaves out."""
        checkpoint["loops"]["fit_loop"] = restartable(
            self._state["loops"], validation_due=self._state["validation_due"]
        )
        checkpoint[_KEY] = self._state | {
            "best": self._best.state_dict(),
            "seconds": self.seconds_before + time.monotonic() - self._started,
            "versions": versions(),
            "micro_batches": self._micro_batches,
        }

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take back what can be set at once; the rest is set at the first step."""
        state = self._loaded = checkpoint[_KEY]
        self.seconds_before = state["seconds"]
        self.resumed_at = checkpoint["global_step"]
        pl_module.examples_seen = state["examples_seen"]  # type: ignore[assignment]
        warn_of_other_versions(tuple(state["versions"].items()))
        if trainer.is_global_zero and state["metrics"]:  # without a line there is no file
            with write_whole(self._metrics) as temporary:
                temporary.write_bytes(state["metrics"].encode())
            for logger in trainer.loggers:
                if isinstance(logger, Tracker):
                    logger.replay(read_rows(self._metrics))

    def _between_steps(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *, validation_due: bool) -> None:
        asked = self._asked(trainer)
        step = trainer.global_step
        due = self._every_steps is not None and step != self._saved_step and step % self._every_steps == 0
        if self._every_seconds is not None and not due:
            due = _anyone(trainer, time.monotonic() - self._saved_time >= self._every_seconds)
        if asked or due:
            self._state = self._position(trainer, pl_module, validation_due=validation_due)
            self._save(trainer)
        if asked:
            self._leave()

    def _position(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *, validation_due: bool) -> dict[str, Any]:
        position = (epochs_done(trainer), batches_done(trainer, validation_due=validation_due))
        trainer.datamodule.position = position  # type: ignore[attr-defined]
        return {
            "loops": loop_state(trainer),
            "validation_due": validation_due,
            "random": all_gather(random_states()),
            "should_stop": bool(trainer.should_stop),
            "examples_seen": pl_module.examples_seen,
            "metrics": self._metrics.read_bytes().decode() if self._metrics.exists() else "",
        }

    def _bring_back(self, trainer: pl.Trainer) -> None:
        assert self._loaded is not None
        state, self._loaded = self._loaded, None
        set_loop_state(trainer, state["loops"])
        trainer.should_stop = state["should_stop"]
        if len(state["random"]) == trainer.world_size:
            restore_random_states(state["random"][trainer.global_rank])

    def _save(self, trainer: pl.Trainer) -> None:
        self._check_lock()
        content = trainer._checkpoint_connector.dump_checkpoint(weights_only=False)  # every process takes part
        if trainer.is_global_zero:
            try:
                self._best.make_durable()
                validated = not self._state["validation_due"]
                with self.store.writing(step=trainer.global_step, validated=validated) as temporary:
                    torch.save(content, temporary)
                self._best.prune()
            except (OSError, RuntimeError) as error:  # a full disk shows as either
                _log.warning("no checkpoint could be written, and the run goes on without: %s", error)
        self._saved_step, self._saved_time = trainer.global_step, time.monotonic()

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _asked(self, trainer: pl.Trainer) -> bool:
        return _anyone(trainer, stop_signals.requested is not None or self._is_late())

    def _leave(self) -> None:
        if stop_signals.requested is None and self._is_late():
            raise RunTimeoutError(f"run_timeout_minutes={self._timeout_minutes:g} are over; what is trained is saved")
        raise Interrupted(stop_signals.requested or signal.SIGTERM)  # another process of the run was asked


def _anyone(trainer: pl.Trainer, mine: bool) -> bool:
    """Whether it holds in any process of the run; all have to do the same."""
    return mine if trainer.world_size == 1 else trainer.strategy.reduce_boolean_decision(mine, all=False)
