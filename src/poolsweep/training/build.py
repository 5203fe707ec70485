"""From a config and what it reads to the objects of a run."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from torch.utils.data import Dataset

from poolsweep.callbacks.best_weights import BestWeights
from poolsweep.callbacks.checkpoint import Checkpoint
from poolsweep.callbacks.heartbeat import Heartbeat
from poolsweep.callbacks.stop_at import StopAt
from poolsweep.callbacks.unfreezing import Unfreezing
from poolsweep.config import RunConfig
from poolsweep.data import Batch, DataModule
from poolsweep.device import leave_memory_unfilled, set_matmul_precision
from poolsweep.distributed.world import ALONE, World
from poolsweep.model.classifier import Classifier
from poolsweep.model.outcome import Outcome
from poolsweep.probe.run import ProbeRun
from poolsweep.probe.untrained import Untrained, UntrainedRun
from poolsweep.runs.checkpoints import CheckpointStore
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.assemble import assemble
from poolsweep.training.fit import TrainingRun
from poolsweep.training.make import make
from poolsweep.training.prepare import Prepared, fresh
from poolsweep.training.solved_head import solve_head
from poolsweep.training.trainer import build_loggers, build_trainer

_log = logging.getLogger(__name__)


class Run(Protocol):
    """A run that is ready to be fitted, by Lightning or by a solver."""

    @property
    def classifier(self) -> Classifier:
        """What is trained and saved."""
        ...

    @property
    def text_facts(self) -> Mapping[str, Mapping[str, float]]:
        """What the result says of texts, see ``text_facts``."""
        ...

    @property
    def loggers(self) -> Sequence[Logger]:
        """Where its metrics go."""
        ...

    @property
    def seconds_before(self) -> float:
        """What earlier processes took for the part that this one goes on from."""
        ...

    @property
    def writes_checkpoints(self) -> bool:
        """Whether it saves anything before it ends, unless it is asked to leave."""
        ...

    def fit(self, folder: RunFolder, status: StatusFile) -> Outcome:
        """Fit, select on validation, test once, and write weights and predictions."""
        ...

    def remove_checkpoints(self) -> None:
        """Remove what only an interrupted run needs."""
        ...


def build(
    config: RunConfig,
    prepared: Prepared,
    *,
    folder: RunFolder,
    run_id: str,
    status: StatusFile,
    check_lock: Callable[[], None] = lambda: None,
    world: World = ALONE,
    micro_batches: int = 1,
) -> Run:
    """Make all objects of a run.

    Args:
        config: The run's, validated.
        prepared: From ``prepare``.
        folder: Folder that the run writes to.
        run_id: Identity of the run.
        status: Status file, which is told how the run goes.
        check_lock: Called before anything is written; raises if another process has the run now.
        world: This process among those that train the run, which have joined.
        micro_batches: Steps that each batch is divided into.
    """
    set_matmul_precision(config.matmul_precision)
    leave_memory_unfilled()
    _seed_everything(config.init_seed)
    prepared = fresh(prepared, config)
    encoder = prepared.loaded.encoder
    _log.info("%s: %s", encoder.name, encoder.cpu_kernels)
    made = assemble(config, prepared, status=status)
    classifier, data, facts = made.classifier, made.data, made.text_facts
    if config.is_probe:
        loggers = build_loggers(config, folder=folder, run_id=run_id, check_lock=check_lock)
        probe = make(config.trainer, monitor=config.monitor, loggers=loggers)
        if isinstance(probe, Untrained):
            return UntrainedRun(classifier, data, config.task, prepared.contract, probe, facts, check_lock)
        return ProbeRun(classifier, data, config.task, prepared.contract, probe, facts, check_lock, config.data_seed)
    best = BestWeights(folder.best, monitor=config.monitor, check_lock=check_lock)
    checkpoint = Checkpoint(
        CheckpointStore(folder.checkpoints),
        best=best,
        metrics=folder.metrics,
        every_steps=config.checkpoint.every_steps,
        every_minutes=config.checkpoint.every_minutes,
        timeout_minutes=config.run_timeout_minutes,
        check_lock=check_lock,
        micro_batches=micro_batches,
    )
    callbacks = [best, Heartbeat(status, monitor=config.monitor), checkpoint, *_pruning(config, folder)]
    if config.refit is not None and config.refit.share_of_schedule is not None:
        callbacks.insert(0, StopAt(config.refit.share_of_schedule))  # before those that ask how many steps there are
    if encoder.unfreeze_every is not None:
        callbacks.append(Unfreezing(encoder, every=encoder.unfreeze_every))  # after the checkpoint has set the step
    validate_every = config.trainer["val_check_interval"]
    steps = config.batch_plan.options(micro_batches, rows=len(data["train"]), validate_every=validate_every)
    steps |= {} if config.selects else {"limit_val_batches": 0}
    return TrainingRun(
        config,
        classifier,
        _data_module(config, data, micro_batches=micro_batches, weights=made.row_weights),
        build_trainer(
            config, callbacks, folder=folder, run_id=run_id, world=world, options=steps, check_lock=check_lock
        ),
        prepared.contract,
        best,
        checkpoint,
        facts,
        micro_batches,
        initial_head=partial(solve_head, config, prepared, status=status) if config.init == "probe" else None,
    )


def _data_module(
    config: RunConfig, rows: Mapping[str, Dataset[Batch]], *, micro_batches: int, weights: torch.Tensor | None
) -> DataModule:
    loading = config.loading
    return DataModule(
        rows,
        batch_size=config.batch_plan.per_device,
        eval_batch_size=loading.eval_batch_size,
        data_seed=config.data_seed,
        num_workers=loading.num_workers,
        micro_batches=micro_batches,
        row_weights=None if weights is None else weights.double().numpy(),
        max_tokens=loading.max_tokens if loading.batching == "by_tokens" else None,
    )


def _pruning(config: RunConfig, folder: RunFolder) -> list[pl.Callback]:
    """The callback that asks Optuna's pruner, if this run is one that may be ended."""
    if config.trial is None or "pruner" not in config.trial:
        return []
    from poolsweep.callbacks.pruning import Pruning  # needs Optuna

    return [Pruning(folder.path.parent, trial=config.trial, monitor=config.monitor)]


def _seed_everything(seed: int) -> None:
    """As Lightning's, but without leaving a variable in the environment, by which it would seed later runs too."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
