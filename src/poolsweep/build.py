"""From a resolved config and what it reads to the objects of a run."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch.utils.data import Dataset

from poolsweep.batches import batch_plan
from poolsweep.callbacks.best_weights import BestWeights
from poolsweep.callbacks.checkpoint import Checkpoint
from poolsweep.callbacks.heartbeat import Heartbeat
from poolsweep.classifier import Classifier
from poolsweep.data import Batch, DataModule
from poolsweep.data.labels import Labels
from poolsweep.device import set_matmul_precision
from poolsweep.distributed.trainer import trainer_arguments
from poolsweep.distributed.world import ALONE, World
from poolsweep.encoder import Encoder
from poolsweep.errors import UserError
from poolsweep.inputs import Inputs, feature_rows, token_rows
from poolsweep.loggers.metrics_file import MetricsFile
from poolsweep.loggers.tracker import shown_config
from poolsweep.make import make
from poolsweep.pooling import Pooling
from poolsweep.pooling.presets import pooling_name
from poolsweep.prepare import Prepared, build_pooling, fresh, load_data, load_encoder, prepare
from poolsweep.probe.run import ProbeRun
from poolsweep.probe.settings import is_probe
from poolsweep.run.checkpoints import CheckpointStore
from poolsweep.run.folder import RunFolder
from poolsweep.run.identity import canonical_precision
from poolsweep.run.status import StatusFile

__all__ = ["Prepared", "Run", "build", "build_classifier", "build_pooling", "load_data", "load_encoder", "prepare"]


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
        still_ours: Called before a checkpoint is written; raises if another process has the run now.
        world: This process among those that train the run, which have joined.
        parts: Steps that each batch is divided into.
    """
    set_matmul_precision(config["matmul_precision"])
    _seed_everything(config["init_seed"])
    prepared = fresh(prepared, config)
    encoder, pooling = prepared.loaded.encoder, prepared.pooling
    inputs = Inputs(prepared.loaded, pooling, config["pooling"], prepared.labels, prepared.max_length)
    rows = {split.name: token_rows(split, inputs) for split in prepared.splits}
    truncated = {name: row.tokenised.truncated_share for name, row in rows.items()}
    data: dict[str, Dataset[Batch]] = dict(rows)
    if encoder.frozen:
        data = feature_rows(config, inputs, rows, status=status)
    if "pooler_output" not in pooling.context_needed and not encoder.frozen:
        encoder.drop_pooler()
    classifier = build_classifier(
        config, encoder, pooling, num_labels=len(prepared.labels), encoder_runs=not encoder.frozen
    )
    if is_probe(config):
        loggers = build_loggers(config, folder=folder, run_id=run_id)
        probe = make(config["trainer"], monitor=config["monitor"], mode=config["mode"], loggers=loggers)
        return ProbeRun(classifier, data, probe, prepared.labels, truncated, config["data_seed"])
    plan = batch_plan(config)
    loading = {key: config["data"][key] for key in ("eval_batch_size", "num_workers")}
    loading |= {"batch_size": plan.per_device, "parts": parts}
    loading["max_tokens"] = config["data"]["max_tokens"] if config["data"]["batching"] == "by_tokens" else None
    best = BestWeights(folder.best, monitor=config["monitor"], mode=config["mode"])
    checkpoint = Checkpoint(
        CheckpointStore(folder.checkpoints),
        best=best,
        metrics=folder.metrics,
        **config["checkpoint"],
        timeout_minutes=config["run_timeout_minutes"],
        still_ours=still_ours,
        parts=parts,
    )
    steps = plan.options(parts, rows=len(rows["train"]), validate_every=config["trainer"]["val_check_interval"])
    callbacks = [best, Heartbeat(status, monitor=config["monitor"]), checkpoint]
    return Run(
        classifier,
        DataModule(data, data_seed=config["data_seed"], **loading),
        build_trainer(config, callbacks, folder=folder, run_id=run_id, world=world, options=steps),
        prepared.labels,
        best,
        checkpoint,
        truncated,
        config["seed"],
    )


def build_classifier(
    config: Mapping[str, Any], encoder: Encoder, pooling: Pooling, *, num_labels: int, encoder_runs: bool
) -> Classifier:
    """Make the LightningModule.

    Args:
        config: Resolved and validated.
        encoder: Its sizes decide the head's.
        pooling: Fits the encoder.
        num_labels: C.
        encoder_runs: False if every batch carries stored states of the frozen encoder.
    """
    if encoder_runs and not encoder.frozen and not pooling.context_needed & {"pooler_output", "attentions"}:
        encoder.keep_layers(max(pooling.layers_needed))
    if encoder_runs and pooling.tokens.reads_first_token:
        encoder.keep_first_tokens()
    head = config["head"] | ({"dropout": encoder.dropout} if config["head"].get("dropout", 0) is None else {})
    sized = {"size": pooling.output_size}
    if config["postprocess"]["_target_"].endswith(".auto"):
        sized["frozen"] = encoder.frozen
    try:
        postprocess = make(config["postprocess"], **sized)
    except ValueError as error:
        raise UserError(str(error)) from error
    made_head = make(
        head, input_size=postprocess.output_size, num_labels=num_labels, initializer_range=encoder.initializer_range
    )
    # In float16 a fused optimizer would unscale gradients after they have been clipped.
    fused = canonical_precision(config["trainer"]["precision"]) != "16-mixed"
    return Classifier(
        encoder=encoder if encoder_runs else None,
        pooling=pooling,
        postprocess=postprocess,
        head=made_head,
        loss=make(config["loss"]),
        num_labels=num_labels,
        make_optimizer=partial(make, {**config["optimizer"], "fused": fused}),
        make_scheduler=partial(make, config["scheduler"]),
    )


def build_trainer(
    config: Mapping[str, Any],
    callbacks: list[pl.Callback],
    *,
    folder: RunFolder,
    run_id: str,
    world: World = ALONE,
    options: Mapping[str, Any] | None = None,
) -> pl.Trainer:
    """Make Lightning's Trainer with our callbacks and loggers beside the configured ones.

    Args:
        config: Resolved and validated.
        callbacks: Ours.
        folder: Where the run writes.
        run_id: Its identity.
        world: This process among those that train the run.
        options: Of the Trainer, instead of the configured ones.
    """
    loggers = build_loggers(config, folder=folder, run_id=run_id)
    try:
        return _trainer(config, callbacks, loggers, folder=folder, world=world, options=options or {})
    except (ValueError, TypeError, MisconfigurationException) as error:
        raise UserError(f"trainer: {str(error).strip().splitlines()[0]}") from error


def build_loggers(config: Mapping[str, Any], *, folder: RunFolder, run_id: str) -> list[Logger]:
    """Make metrics.csv and the configured loggers."""
    described = {
        "run_id": run_id,
        "run_folder": folder.path,
        "group": f"{data_name(config)}/{pooling_label(config)}",
        "config": shown_config(config),
    }
    loggers: list[Logger] = [MetricsFile(folder.metrics)]
    # Partial, since instantiate would build whatever the logged config names.
    return loggers + [make({**node, "_partial_": True})(**described) for node in (config["logger"] or {}).values()]


def _trainer(
    config: Mapping[str, Any],
    callbacks: list[pl.Callback],
    loggers: list[Logger],
    *,
    folder: RunFolder,
    world: World,
    options: Mapping[str, Any],
) -> pl.Trainer:
    return make(
        trainer_arguments(config["trainer"], world) | dict(options),
        callbacks=[*callbacks, *(make(node) for node in (config["callbacks"] or {}).values())],
        logger=loggers,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=folder.path,
        _convert_="all",
    )


def _seed_everything(seed: int) -> None:
    """As Lightning's, but without leaving a variable in the environment, by which it would seed later runs too."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def data_name(config: Mapping[str, Any]) -> str:
    """How the data set is called in leaderboards."""
    data = config["data"]
    if data.get("name"):
        subset = data.get("subset")
        return f"{data['name']}/{subset}" if subset else data["name"]
    if "train" in data:
        path = Path(data["train"])
        return path.absolute().parent.name if path.stem in {"train", "training", "data"} else path.stem
    return str(data["_target_"]).rsplit(".", 1)[-1]


def pooling_label(config: Mapping[str, Any]) -> str:
    """How the pooling is called in leaderboards: its preset, or the two halves."""
    return pooling_name(config["pooling"])
