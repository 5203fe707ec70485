"""The keys of a config that are not those of a swappable part, with their types and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from annotated_types import Ge, Interval, Len
from pydantic import StringConstraints

from poolsweep.bounds import Described, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, Seed
from poolsweep.tasks import Calibrate

_Batches = PositiveInt | Annotated[float, Interval(gt=0, le=1)]  # a number of batches, or a share of them
_SomeBatches = Annotated[_Batches | None, Described("a share of the batches, above 0 and at most 1.0, or their number")]
_Part = Annotated[float, Interval(gt=0, lt=1)]
_Text = Annotated[str, StringConstraints(min_length=1)]


@dataclass(frozen=True)
class Root:
    """Keys of the root that are not groups.

    Attributes:
        seed: Drives everything but the splits.
        init_seed: Seed of new weights; ``seed`` unless given.
        data_seed: Seed of the training order and of a sample of training rows; ``seed`` unless given.
        study: Folder of runs that belong together.
        output_root: Folder of studies.
        init: Start of a linear head: random weights, or the head that a probe would solve.
        r_drop: Weight of what the outputs of two passes differ by; 0 = one pass.
        metrics: Names of the metrics that are measured; the first ranks, and selects unless ``monitor`` says another.
        monitor: Validation metric that selects the checkpoint; its direction follows from its name.
        calibrate: Whether probabilities get a temperature: one that is fitted on validation, or a given one.
        matmul_precision: Precision of float32 matrix products; only ``highest`` keeps GPUs from TensorFloat32.
        trusted: Packages of your own whose classes a config may name.
        retry: Which runs to run again: those that failed, none, or all.
        on_failure: Whether a sweep goes on after a run that failed.
        run_timeout_minutes: A run that trains for longer fails; None = no limit.
    """

    seed: Seed
    init_seed: Seed
    data_seed: Seed
    study: _Text
    output_root: _Text
    init: Literal["random", "probe"]
    r_drop: NonNegativeFloat
    metrics: Annotated[list[_Text], Len(1)]
    monitor: _Text
    calibrate: Calibrate
    matmul_precision: Literal["highest", "high", "medium"]
    trusted: list[_Text]
    retry: Literal["failed", "never", "all"]
    on_failure: Literal["continue", "stop"]
    run_timeout_minutes: PositiveFloat | None


@dataclass(frozen=True)
class Checkpointing:
    """Keys of ``checkpoint``: when a run saves all that it goes on from.

    Attributes:
        every_steps: Optimizer steps between checkpoints; None = none for that.
        every_minutes: Minutes between checkpoints; None = none for that.
    """

    every_steps: PositiveInt | None
    every_minutes: PositiveFloat | None


@dataclass(frozen=True)
class Storing:
    """Keys of ``features``: what a frozen encoder gave, stored for later runs.

    Attributes:
        max_gib: All stores under one output root together; None = what the disk holds.
    """

    max_gib: PositiveFloat | None


@dataclass(frozen=True)
class Refit:
    """Keys of ``refit``: a run that fits what others selected, to be used; ``poolsweep refit`` writes them.

    Attributes:
        of: Name of the contender whose setting is fitted.
        setting: Id of that setting.
        runs: Ids of its replicates.
        with_validation: Whether the validation rows are trained on, so that the run selects nothing itself.
        share_of_schedule: Share of the schedule after which training ends; None = validation selects.
    """

    of: _Text
    setting: _Text
    runs: list[_Text]
    with_validation: bool
    share_of_schedule: Annotated[float, Interval(gt=0, le=1)] | None


@dataclass(frozen=True)
class Loading:
    """Keys of ``data`` that are about batches, not about the source.

    Attributes:
        max_length: Longest input in tokens, special tokens included; None = the encoder's limit; ``auto`` = that of its
            sentence-transformers folder, else 128, or the limit if that is lower.
        stride: Tokens of the text by which a window moves on; None = as many as it holds.
        batch_size: Training examples per step and device.
        effective_batch_size: Training examples per optimizer step, on all devices together; None = what follows.
        eval_batch_size: Examples per step in validation and test.
        num_workers: Processes that prepare batches.
        batching: Whether training batches are cut by texts or by tokens.
        max_tokens: Most tokens of a batch that is cut by tokens.
    """

    max_length: Annotated[int, Ge(3)] | Literal["auto"] | None  # a token between the two special ones
    stride: PositiveInt | None
    batch_size: PositiveInt
    effective_batch_size: PositiveInt | None
    eval_batch_size: PositiveInt
    num_workers: NonNegativeInt
    batching: Literal["by_count", "by_tokens"]
    max_tokens: PositiveInt

    @property
    def given_length(self) -> int | None:
        """``max_length`` where it is a number."""
        return self.max_length if isinstance(self.max_length, int) else None


@dataclass(frozen=True)
class SplitKeys:
    """Keys of a data source that can split off rows of its training split.

    Attributes:
        validation_fraction: Share of the training rows.
        test_fraction: Share of the training rows.
        split_seed: Seed of the splitting.
        folds: Folds of the training split, each held out once; None = one split by the shares.
        fold: The fold that is held out.
        group: Column whose values keep rows in one split.
    """

    validation_fraction: _Part
    test_fraction: _Part
    split_seed: Seed
    folds: Annotated[int, Ge(2)] | None
    fold: NonNegativeInt | None
    group: _Text | None


@dataclass(frozen=True)
class RowKeys:
    """Keys of ``data`` that leave rows out of what a source has read.

    Attributes:
        train_rows: Number of training rows; None = all.
        rows_per_label: Number of training rows of each label; None = all.
        overlap: What happens to texts that stand in several splits.
    """

    train_rows: PositiveInt | None
    rows_per_label: PositiveInt | None
    overlap: Literal["warn", "drop", "refuse"]


@dataclass(frozen=True)
class Training:
    """Keys of ``trainer``, if that is Lightning's: those of its options that mean the same in each kind of run.

    Attributes:
        max_epochs: Passes over the training split; None = ``max_steps`` ends the run.
        min_epochs: Before early stopping may end a run.
        max_steps: Optimizer steps that end a run; -1 = ``max_epochs`` does.
        min_steps: Before early stopping may end a run.
        accelerator: Kind of device that a run is on.
        devices: How many, which ones, or all.
        num_nodes: Machines.
        strategy: Strategy of several devices.
        precision: Precision of the encoder; ``device_problems`` says what there is.
        on_oom: What happens when memory runs out.
        gradient_clip_val: Largest norm, or value, of gradients; None = no limit.
        gradient_clip_algorithm: What that number is.
        accumulate_grad_batches: Batches whose gradients are added up.
        val_check_interval: Share of an epoch, or batches, between validations.
        check_val_every_n_epoch: Epochs between validations.
        log_every_n_steps: Optimizer steps between lines of the log.
        deterministic: Whether operations that are not are refused, or named.
        limit_train_batches: Batches of an epoch; None = all.
        limit_val_batches: Batches of a validation; None = all.
        limit_test_batches: Batches of the test; None = all.
        benchmark: Whether cuDNN tries its kernels first.
        detect_anomaly: Whether autograd names the operation that gives NaN.
        inference_mode: Whether evaluation is under ``inference_mode`` rather than ``no_grad``.
    """

    max_epochs: PositiveInt | None
    min_epochs: NonNegativeInt | None
    max_steps: Annotated[Literal[-1] | PositiveInt, Described("at least 1, or -1 for no limit")]
    min_steps: NonNegativeInt | None
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"]
    devices: Annotated[
        PositiveInt
        | Literal[-1]
        | Annotated[list[NonNegativeInt], Len(1)]
        | Annotated[str, StringConstraints(pattern=r"^(auto|-1|[1-9]\d{0,3}|\d{1,4}(,\d{1,4})+,?|\d{1,4},)$")],
        Described("a number of at least 1, a list of device numbers, auto, or -1 for all"),
    ]
    num_nodes: PositiveInt
    strategy: Literal["auto", "ddp", "fsdp"]
    precision: int | str
    on_oom: Literal["fail", "halve"]
    gradient_clip_val: NonNegativeFloat | None
    gradient_clip_algorithm: Literal["norm", "value"] | None
    accumulate_grad_batches: PositiveInt
    val_check_interval: Annotated[_Batches, Described("a share of an epoch, above 0 and at most 1.0, or batches")]
    check_val_every_n_epoch: PositiveInt
    log_every_n_steps: PositiveInt
    deterministic: bool | Literal["warn"]
    limit_train_batches: _SomeBatches
    limit_val_batches: _SomeBatches
    limit_test_batches: _SomeBatches
    benchmark: bool | None
    detect_anomaly: bool
    inference_mode: bool


ALL_ROWS = RowKeys(train_rows=None, rows_per_label=None, overlap="warn")
LOADING_KEYS = frozenset(
    field.name for kind in (Loading, RowKeys) for field in fields(kind)
)  # of ``data``, and not of the source
_UNSET = ("folds", "fold", "group")  # a source that divides nothing lacks these, and ~ cannot take a null away
TRAINING_KEYS = frozenset(field.name for field in fields(Training))


def beside_source(data: Mapping[str, Any]) -> frozenset[str]:
    """The keys of ``data`` that its source is not given: those that are about batches and rows, or say nothing."""
    return LOADING_KEYS | {key for key in _UNSET if key in data and data[key] is None}
