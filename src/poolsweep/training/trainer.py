"""Makes Lightning's Trainer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from poolsweep.callbacks.average.base import WeightAverage
from poolsweep.config import Node, RunConfig
from poolsweep.config.callbacks import refusal_of
from poolsweep.distributed.trainer import keep_targets, trainer_arguments
from poolsweep.distributed.world import ALONE, World
from poolsweep.errors import UserError
from poolsweep.loggers.lightning import LightningMetricsFile
from poolsweep.runs.folder import RunFolder
from poolsweep.training.loggers import build_loggers
from poolsweep.training.make import make


def build_trainer(
    config: RunConfig,
    callbacks: list[pl.Callback],
    *,
    folder: RunFolder,
    run_id: str,
    world: World = ALONE,
    options: Mapping[str, object] | None = None,
    check_lock: Callable[[], None] = lambda: None,
) -> pl.Trainer:
    """Make Lightning's Trainer with our callbacks and loggers beside the configured ones.

    Args:
        config: The run's, validated.
        callbacks: Callbacks of ours.
        folder: Folder that the run writes to.
        run_id: Identity of the run.
        world: This process among those that train the run.
        options: Options of the Trainer, instead of the configured ones.
        check_lock: Called before metrics are written; raises if another process has the run now.
    """
    loggers = build_loggers(
        config, folder=folder, run_id=run_id, check_lock=check_lock, metrics_file=LightningMetricsFile
    )
    try:
        return _trainer(config, callbacks, loggers, folder=folder, world=world, options=options or {})
    except (ValueError, TypeError, MisconfigurationException) as error:
        raise UserError(f"trainer: {str(error).strip().splitlines()[0]}") from error


def _trainer(
    config: RunConfig,
    callbacks: list[pl.Callback],
    loggers: list[Logger],
    *,
    folder: RunFolder,
    world: World,
    options: Mapping[str, object],
) -> pl.Trainer:
    theirs = [make(node) for node in config.callbacks.values()]
    theirs.sort(key=lambda callback: isinstance(callback, WeightAverage))  # last: the others see what is measured
    for callback in theirs:
        if (reason := refusal_of(type(callback))) is not None:  # a function may have made it
            raise UserError(f"callbacks: {type(callback).__name__} is refused: {reason}")
    trainer = make(
        Node(trainer_arguments(config, world) | dict(options)),
        callbacks=[*callbacks, *theirs],
        logger=loggers,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=folder.path,
        _convert_="all",
    )
    keep_targets(trainer.precision_plugin)
    return trainer
