"""Where Lightning's loops are, so that they can be brought back to exactly there.

Lightning's own restart leaves out a validation that was due when a checkpoint was written, and counts one step too many
for the loggers. So the counters are written in a form that its restart leads to the right place, and set to their
true values at the first hook that it reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loops.progress import _ProcessedTracker

_BATCHES = "epoch_loop.batch_progress"
_VALIDATION_BATCHES = "epoch_loop.val_loop.batch_progress"


def epochs_done(trainer: pl.Trainer) -> int:
    """Epochs that are behind us."""
    progress = trainer.fit_loop.epoch_progress.current
    assert isinstance(progress, _ProcessedTracker)
    return progress.processed


def batches_done(trainer: pl.Trainer, *, validation_due: bool) -> int:
    """Training batches of this epoch that are behind us.

    Args:
        trainer: In ``on_validation_start`` if ``validation_due``, else in ``on_train_batch_start``.
        validation_due: Whether a validation comes next, rather than a training batch, which counts as ready already.
    """
    return trainer.fit_loop.epoch_loop.batch_progress.current.ready - (0 if validation_due else 1)


def gradients_are_pending(trainer: pl.Trainer) -> bool:
    """Whether a validation comes between steps whose gradients are added up."""
    progress = trainer.fit_loop.epoch_loop.batch_progress
    return progress.current.ready % trainer.accumulate_grad_batches != 0 and not progress.is_last_batch


def loop_state(trainer: pl.Trainer) -> dict[str, Any]:
    """The counters of all loops, as they are."""
    return deepcopy(trainer.fit_loop.state_dict())


def restartable(state: Mapping[str, Any], *, validation_due: bool) -> dict[str, Any]:
    """What to write where Lightning keeps the counters, so that its restart goes on at the right place.

    Args:
        state: From ``loop_state``.
        validation_due: Whether a validation is due, as for ``batches_done``.
    """
    written = deepcopy(dict(state))
    batches, validation = written[_BATCHES], written[_VALIDATION_BATCHES]
    for counter in (batches["total"], batches["current"]):
        _set(counter, counter["ready"] - (0 if validation_due else 1))
    if validation_due:  # looks like one that was broken off in its first batch, which Lightning does make up for
        _set(validation["total"], validation["total"]["completed"])
        _set(validation["current"], 0)
        for counter in (validation["total"], validation["current"]):
            counter["ready"] += 1
            counter["started"] += 1
    else:
        batches["is_last_batch"] = False
    return written


def set_loop_state(trainer: pl.Trainer, state: Mapping[str, Any]) -> None:
    """Set the counters to what they were; called in the hook in which ``loop_state`` was."""
    loop = trainer.fit_loop
    loop.epoch_progress.load_state_dict(state["epoch_progress"])
    epoch_loop = loop.epoch_loop
    epoch_loop.batch_progress.load_state_dict(state[_BATCHES])
    epoch_loop.scheduler_progress.load_state_dict(state["epoch_loop.scheduler_progress"])
    epoch_loop.automatic_optimization.optim_progress.load_state_dict(
        state["epoch_loop.automatic_optimization.optim_progress"]
    )
    epoch_loop.val_loop.batch_progress.load_state_dict(state[_VALIDATION_BATCHES])
    epoch_loop._batches_that_stepped = state["epoch_loop.state_dict"]["_batches_that_stepped"]


def _set(counter: dict[str, int], value: int) -> None:
    for name in counter:
        counter[name] = value
