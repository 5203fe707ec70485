"""From a resolved config and what it reads to the objects of a run."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import Dataset

from poolsweep.callbacks.best_weights import BestWeights
from poolsweep.callbacks.checkpoint import Checkpoint
from poolsweep.callbacks.heartbeat import Heartbeat
from poolsweep.config.batch_plan import batch_plan
from poolsweep.config.names import data_name, pooling_label
from poolsweep.config.probe import is_probe
from poolsweep.data import Batch, DataModule
from poolsweep.data.labels import Labels
from poolsweep.device import leave_memory_unfilled, set_matmul_precision
from poolsweep.distributed.world import ALONE, World
from poolsweep.model.classifier import Classifier
from poolsweep.probe.run import ProbeRun
from poolsweep.runs.checkpoints import CheckpointStore
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.classifier import build_classifier
from poolsweep.training.inputs import Inputs, feature_rows, token_rows
from poolsweep.training.make import make
from poolsweep.training.prepare import Prepared, build_pooling, fresh, load_data, load_encoder, prepare
from poolsweep.training.trainer import build_loggers, build_trainer

__all__ = [
    "Prepared", "Run", "build", "build_classifier", "build_loggers", "build_pooling", "data_name", "load_data",
    "load_encoder", "pooling_label", "prepare",
]  # fmt: skip

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """All objects of a run, ready to train.

    Attributes:
        classifier: Encoder (unless its states are stored), pooling, head, loss.
        data: Batches.
        trainer: With callbacks and loggers.
        labels: The label contract.
        best: Selects and keeps the best weights.
        checkpoint: Saves what an interrupted run goes on from.
        truncated_share: Split name → share of texts cut to the maximum length.
        seed: For everything random in training.
    """

    classifier: Classifier
    data: DataModule
    trainer: pl.Trainer
    labels: Labels
    best: BestWeights
    checkpoint: Checkpoint
    truncated_share: Mapping[str, float]
    seed: int


def build(
    config: Mapping[str, Any],
    prepared: Prepared,
    *,
    folder: RunFolder,
    run_id: str,
    status: StatusFile,
    still_ours: Callable[[], None] = lambda: None,
    world: World = ALONE,
    parts: int = 1,
) -> Run | ProbeRun:
    """Make all objects of a run.

    Args:
        config: Resolved and validated.
        prepared: From ``prepare``.
        folder: Where the run writes.
        run_id: Its identity.
        status: Told how the run goes.
        still_ours: Called before anything is written; raises if another process has the run now.
        world: This process among those that train the run, which have joined.
        parts: Steps that each batch is divided into.
    """
    set_matmul_precision(config["matmul_precision"])
    leave_memory_unfilled()
    _seed_everything(config["init_seed"])
    prepared = fresh(prepared, config)
    encoder, pooling = prepared.loaded.encoder, prepared.pooling
    _log.info("%s: %s", encoder.name, encoder.cpu_kernels)
    inputs = Inputs(prepared.loaded, pooling, config["pooling"], prepared.labels, prepared.max_length)
    started = time.monotonic()
    rows = {split.name: token_rows(split, inputs) for split in prepared.splits}
    truncated = {name: row.tokenised.truncated_share for name, row in rows.items()}
    data: dict[str, Dataset[Batch]] = dict(rows)
    if encoder.frozen:
        data = feature_rows(config, inputs, rows, status=status)
        status.update(shared_seconds=round(time.monotonic() - started, 3))  # the next run finds it done
    elif "pooler_output" not in pooling.context_needed:
        encoder.drop_pooler()
    classifier = build_classifier(
        config, encoder, pooling, num_labels=len(prepared.labels), encoder_runs=not encoder.frozen
    )
    if is_probe(config):
        loggers = build_loggers(config, folder=folder, run_id=run_id, still_ours=still_ours)
        probe = make(config["trainer"], monitor=config["monitor"], loggers=loggers)
        return ProbeRun(classifier, data, probe, prepared.labels, truncated, config["data_seed"])
    best = BestWeights(folder.best, monitor=config["monitor"], still_ours=still_ours)
    checkpoint = Checkpoint(
        CheckpointStore(folder.checkpoints),
        best=best,
        metrics=folder.metrics,
        **config["checkpoint"],
        timeout_minutes=config["run_timeout_minutes"],
        still_ours=still_ours,
        parts=parts,
    )
    callbacks = [best, Heartbeat(status, monitor=config["monitor"]), checkpoint, *_pruning(config, folder)]
    validate_every = config["trainer"]["val_check_interval"]
    steps = batch_plan(config).options(parts, rows=len(rows["train"]), validate_every=validate_every)
    return Run(
        classifier,
        _data_module(config, data, parts=parts),
        build_trainer(
            config, callbacks, folder=folder, run_id=run_id, world=world, options=steps, still_ours=still_ours
        ),
        prepared.labels,
        best,
        checkpoint,
        truncated,
        config["seed"],
    )


def _data_module(config: Mapping[str, Any], rows: Mapping[str, Dataset[Batch]], *, parts: int) -> DataModule:
    data = config["data"]
    return DataModule(
        rows,
        batch_size=batch_plan(config).per_device,
        eval_batch_size=data["eval_batch_size"],
        data_seed=config["data_seed"],
        num_workers=data["num_workers"],
        parts=parts,
        max_tokens=data["max_tokens"] if data["batching"] == "by_tokens" else None,
    )


def _pruning(config: Mapping[str, Any], folder: RunFolder) -> list[pl.Callback]:
    """The callback that asks Optuna's pruner, if this run is one that may be ended."""
    if "pruner" not in (config.get("trial") or {}):
        return []
    from poolsweep.callbacks.pruning import Pruning  # needs Optuna

    return [Pruning(folder.path.parent, trial=config["trial"], monitor=config["monitor"])]


def _seed_everything(seed: int) -> None:
    """As Lightning's, but without leaving a variable in the environment, by which it would seed later runs too."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
