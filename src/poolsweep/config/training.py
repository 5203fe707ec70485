"""The options of Lightning's Trainer that a config may give, and why it may not give the others."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from poolsweep.config.keys import TRAINING_KEYS, Training
from poolsweep.config.probe import is_probe
from poolsweep.config.types import dataclass_problems
from poolsweep.errors import nearest

_INSTEAD = {
    "fast_dev_run": "trainer=debug makes a short run",
    "overfit_batches": "it validates on training rows; +trainer.limit_train_batches=… trains on a few batches",
    "max_time": "a run that ends by the clock gives other numbers each time; use run_timeout_minutes",
    "barebones": "a run without metrics and checkpoints has no result",
    "callbacks": "+callbacks.NAME._target_=… adds one",
    "logger": "logger=… chooses one",
    "profiler": "py-spy and torch.profiler look at a process from outside",
}


def training_problems(config: Mapping[str, Any]) -> list[str]:
    """What in ``trainer`` is no option of a run, or of another type or size than it may be.

    Args:
        config: Resolved, of the right shape.
    """
    trainer = config["trainer"]
    if is_probe(config):
        return []
    problems = []
    for key in trainer.keys() & trainer_options() - TRAINING_KEYS:
        problems.append(f"trainer.{key} is no option of a run; {_INSTEAD.get(key) or nearest(key, TRAINING_KEYS)}")
    problems += dataclass_problems(
        Training, {k: v for k, v in trainer.items() if k in TRAINING_KEYS}, prefix="trainer."
    )
    if not problems and trainer.get("max_epochs", 1) is None and trainer.get("max_steps", -1) == -1:
        problems.append("trainer.max_epochs=null needs trainer.max_steps, which then ends the run")
    return problems


@cache
def trainer_options() -> frozenset[str]:
    """What Lightning's Trainer takes."""
    import pytorch_lightning as pl  # takes seconds, and a probe has no need of it

    return frozenset(inspect.signature(pl.Trainer).parameters)
