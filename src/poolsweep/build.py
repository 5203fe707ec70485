"""From a resolved config to the objects of a run; the only caller of ``instantiate``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from hydra.errors import InstantiationException
from hydra.utils import get_class, instantiate
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch.utils.data import Dataset

from poolsweep.callbacks.best_weights import BestWeights
from poolsweep.callbacks.checkpoint import Checkpoint
from poolsweep.callbacks.heartbeat import Heartbeat
from poolsweep.classifier import Classifier
from poolsweep.config import LOADING_KEYS
from poolsweep.data import Batch, DataModule, Splits
from poolsweep.data.checks import check
from poolsweep.data.labels import Labels
from poolsweep.encoder import Encoder, LoadedEncoder
from poolsweep.encoder.encoder import PACKING_OFF, reinitialise_pooler
from poolsweep.errors import UserError
from poolsweep.inputs import Inputs, feature_rows, token_rows
from poolsweep.loggers.metrics_file import MetricsFile
from poolsweep.pooling import Pooling
from poolsweep.pooling.presets import pooling_name
from poolsweep.pooling.requirements import unmet_needs
from poolsweep.run.checkpoints import CheckpointStore
from poolsweep.run.folder import RunFolder
from poolsweep.run.identity import canonical_precision
from poolsweep.run.status import StatusFile


@dataclass(frozen=True)
class Prepared:
    """What a run reads, loaded and checked.

    Attributes:
        splits: Texts and labels.
        labels: The label contract.
        loaded: Encoder and tokenizer.
        pooling: Fits the encoder.
        max_length: In tokens, resolved.
    """

    splits: Splits
    labels: Labels
    loaded: LoadedEncoder
    pooling: Pooling
    max_length: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done that a user would want to know: splits carved out, weights that are new."""
        encoder = self.loaded.encoder
        notes = list(self.splits.notes)
        if encoder.pooler_is_fresh and "pooler_output" in self.pooling.context_needed:
            fate = "frozen as it is" if encoder.frozen else "trained with the encoder"
            notes.append(f"{encoder.name} carries no pooler weights: its pooler is new, and {fate}")
        if not encoder.packs and encoder.unpacked_because != PACKING_OFF:
            notes.append(f"{encoder.name} reads padded batches, since {encoder.unpacked_because}")
        return tuple(notes)


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


def prepare(config: Mapping[str, Any]) -> Prepared:
    """Load data and encoder and make the pooling, naming all problems at once.

    Args:
        config: Resolved and validated.
    Raises:
        UserError: With every problem of the files, the labels, the encoder and what the pooling asks of it.
    """
    problems: list[str] = []
    splits = labels = loaded = pooling = None
    try:
        splits, labels = load_data(config["data"])
    except UserError as error:
        problems += error.problems
    try:
        loaded = load_encoder(config)
        pooling = build_pooling(config["pooling"], loaded)
    except UserError as error:
        problems += error.problems
    max_length = config["data"]["max_length"]
    limit = loaded.encoder.max_length if loaded is not None else None
    if max_length is None:
        max_length = limit or 512
    elif limit is not None and max_length > limit:
        problems.append(f"data.max_length must be at most the encoder's {limit} tokens, got {max_length}")
    if problems or splits is None or labels is None or loaded is None or pooling is None:
        raise UserError(*problems)
    return Prepared(splits, labels, loaded, pooling, max_length)


def _make(node: Mapping[str, Any], *positional: Any, **arguments: Any) -> Any:  # noqa: ANN401
    """Instantiate a part; what its constructor raises comes as it is, not in Hydra's wrapping."""
    try:
        return instantiate(dict(node), *positional, **arguments)
    except InstantiationException as error:
        if error.__cause__ is None:
            raise
        raise error.__cause__ from None


def load_data(data: Mapping[str, Any]) -> tuple[Splits, Labels]:
    """Read and check a data set; runs of one process that read the same files share it."""
    source = {key: value for key, value in data.items() if key not in LOADING_KEYS}
    stamps = []
    for value in source.values():
        if isinstance(value, str) and Path(value).is_file():
            stamps.append((value, Path(value).stat().st_mtime_ns))
    return _load_data(json.dumps(source, sort_keys=True), tuple(stamps))


@lru_cache(maxsize=4)
def _load_data(source: str, stamps: tuple[tuple[str, int], ...]) -> tuple[Splits, Labels]:
    splits = _make(json.loads(source))
    return splits, check(splits)


def load_encoder(config: Mapping[str, Any]) -> LoadedEncoder:
    """Load an encoder. Frozen encoders are never changed, so runs of one process share them."""
    wanted = dict(config["encoder"])
    tokens = get_class(config["pooling"]["tokens"]["_target_"])
    if wanted["attention"] is None and "attentions" in tokens.context_needed:
        wanted["attention"] = "eager"  # the others do not return their weights
    node = json.dumps(wanted, sort_keys=True)
    if not config["encoder"]["frozen"]:
        loaded = _load_encoder.__wrapped__(node)
    else:
        loaded = _load_encoder(node)
        if loaded.encoder.pooler_is_fresh:  # its weights depend on the run's seed
            loaded = _load_encoder.__wrapped__(node)
    if loaded.encoder.pooler_is_fresh:
        reinitialise_pooler(loaded.encoder, generator_seed=config["init_seed"])
    return loaded


@lru_cache(maxsize=2)
def _load_encoder(node: str) -> LoadedEncoder:
    try:
        return _make(json.loads(node))
    except ValueError as error:  # sizes that do not go together, say
        raise UserError(f"encoder: {str(error).strip().splitlines()[0]}") from error


def build_pooling(node: Mapping[str, Any], loaded: LoadedEncoder) -> Pooling:
    """Make a pooling for an encoder.

    Raises:
        UserError: If they do not go together.
    """
    encoder = loaded.encoder
    try:
        layers = _make(node["layers"], num_layers=encoder.num_layers, hidden_size=encoder.hidden_size)
        tokens = _make(node["tokens"], input_size=layers.output_size)
        pooling = Pooling(layers=layers, tokens=tokens)
    except ValueError as error:
        raise UserError(str(error)) from error
    problems = unmet_needs(
        pooling,
        name=pooling_name(node),
        encoder=encoder.name,
        has_pooler=encoder.pooler is not None,
        has_mask_token=loaded.tokenizer.mask_token_id is not None,
        gives_attentions=encoder.gives_attentions,
    )
    if problems:
        raise UserError(*problems)
    return pooling


def build(
    config: Mapping[str, Any],
    prepared: Prepared,
    *,
    folder: RunFolder,
    run_id: str,
    status: StatusFile,
    still_ours: Callable[[], None] = lambda: None,
) -> Run:
    """Make all objects of a run.

    Args:
        config: Resolved and validated.
        prepared: From ``prepare``.
        folder: Where the run writes.
        run_id: Its identity.
        status: Told how the run goes.
        still_ours: Called before a checkpoint is written; raises if another process has the run now.
    """
    pl.seed_everything(config["init_seed"], verbose=False)
    prepared = _fresh(prepared, config)
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
    loading = {key: config["data"][key] for key in ("batch_size", "eval_batch_size", "num_workers")}
    best = BestWeights(folder.best, monitor=config["monitor"], mode=config["mode"])
    checkpoint = Checkpoint(
        CheckpointStore(folder.checkpoints),
        best=best,
        metrics=folder.metrics,
        **config["checkpoint"],
        timeout_minutes=config["run_timeout_minutes"],
        still_ours=still_ours,
    )
    callbacks = [best, Heartbeat(status, monitor=config["monitor"]), checkpoint]
    return Run(
        classifier,
        DataModule(data, data_seed=config["data_seed"], **loading),
        build_trainer(config, callbacks, folder=folder, run_id=run_id),
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
    head = config["head"] | ({"dropout": encoder.dropout} if config["head"].get("dropout", 0) is None else {})
    sized = {"size": pooling.output_size}
    if config["postprocess"]["_target_"].endswith(".auto"):
        sized["frozen"] = encoder.frozen
    try:
        postprocess = _make(config["postprocess"], **sized)
    except ValueError as error:
        raise UserError(str(error)) from error
    made_head = _make(
        head, input_size=postprocess.output_size, num_labels=num_labels, initializer_range=encoder.initializer_range
    )
    # In float16 a fused optimizer would unscale gradients after they have been clipped.
    fused = canonical_precision(config["trainer"]["precision"]) != "16-mixed"
    return Classifier(
        encoder=encoder if encoder_runs else None,
        pooling=pooling,
        postprocess=postprocess,
        head=made_head,
        loss=_make(config["loss"]),
        num_labels=num_labels,
        make_optimizer=partial(_make, {**config["optimizer"], "fused": fused}),
        make_scheduler=partial(_make, config["scheduler"]),
    )


def build_trainer(
    config: Mapping[str, Any], callbacks: list[pl.Callback], *, folder: RunFolder, run_id: str
) -> pl.Trainer:
    """Make Lightning's Trainer with our callbacks and loggers beside the configured ones."""
    described = {
        "run_id": run_id,
        "run_folder": folder.path,
        "group": f"{data_name(config)}/{pooling_label(config)}",
        "config": dict(config),
    }
    loggers: list[Logger] = [MetricsFile(folder.metrics)]
    # Partial, since instantiate would build whatever the logged config names.
    loggers += [_make({**node, "_partial_": True})(**described) for node in (config["logger"] or {}).values()]
    try:
        return _trainer(config, callbacks, loggers, folder=folder)
    except (ValueError, TypeError, MisconfigurationException) as error:
        raise UserError(f"trainer: {str(error).strip().splitlines()[0]}") from error


def _trainer(
    config: Mapping[str, Any], callbacks: list[pl.Callback], loggers: list[Logger], *, folder: RunFolder
) -> pl.Trainer:
    return _make(
        config["trainer"],
        callbacks=[*callbacks, *(_make(node) for node in (config["callbacks"] or {}).values())],
        logger=loggers,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        default_root_dir=folder.path,
        _convert_="all",
    )


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


def _fresh(prepared: Prepared, config: Mapping[str, Any]) -> Prepared:
    """Make the pooling anew under the run's seed: sweeps prepare all runs before the first is seeded."""
    pooling = build_pooling(config["pooling"], prepared.loaded)
    return Prepared(prepared.splits, prepared.labels, prepared.loaded, pooling, prepared.max_length)
