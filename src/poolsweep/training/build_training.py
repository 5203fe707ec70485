"""The objects of a run that Lightning trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pytorch_lightning as pl
import torch
from torch.utils.data import Dataset

from poolsweep.callbacks.best_weights import BestWeights
from poolsweep.callbacks.checkpoint import Checkpoint
from poolsweep.callbacks.heartbeat import Heartbeat
from poolsweep.callbacks.stop_at import StopAt
from poolsweep.callbacks.unfreezing import Unfreezing
from poolsweep.config import RunConfig
from poolsweep.data import Batch
from poolsweep.data.datamodule import DataModule
from poolsweep.distributed.world import World
from poolsweep.model.lightning import LightningClassifier
from poolsweep.runs.checkpoints import CheckpointStore
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.assemble import assemble
from poolsweep.training.fit import TrainingRun
from poolsweep.training.make import make
from poolsweep.training.prepare import Prepared
from poolsweep.training.solved_head import solve_head
from poolsweep.training.trainer import build_trainer


def build_training(
    config: RunConfig,
    prepared: Prepared,
    *,
    folder: RunFolder,
    run_id: str,
    status: StatusFile,
    check_lock: Callable[[], None],
    world: World,
    micro_batches: int,
) -> TrainingRun:
    """Make all objects of a run; for the arguments see ``build``."""
    # In float16 a fused optimizer would unscale gradients after they have been clipped.
    optimizer = partial(make, config.optimizer, fused=config.precision != "16-mixed")
    trained = partial(LightningClassifier, make_optimizer=optimizer, make_scheduler=partial(make, config.scheduler))
    made = assemble(config, prepared, status=status, kind=trained)
    classifier, data, encoder = made.classifier, made.data, prepared.loaded.encoder
    assert isinstance(classifier, LightningClassifier)
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
        made.text_facts,
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
