"""The keys of a config that are not those of a swappable part, with their types."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal


@dataclass
class Root:
    """Keys of the root that are not groups.

    Attributes:
        seed: Drives everything but the splits.
        init_seed: Of new weights; ``seed`` unless given.
        data_seed: Of the training order; ``seed`` unless given.
        study: Folder of runs that belong together.
        output_root: Folder of studies.
        monitor: Validation metric that selects the checkpoint.
        matmul_precision: Of float32 matrix products; only ``highest`` keeps GPUs from TensorFloat32.
        trusted: Packages of your own whose classes a config may name.
        retry: Which runs to run again: those that failed, none, or all.
        on_failure: Whether a sweep goes on after a run that failed.
        run_timeout_minutes: A run that trains for longer fails; None = no limit.
    """

    seed: int
    init_seed: int
    data_seed: int
    study: str
    output_root: str
    monitor: str
    matmul_precision: Literal["highest", "high", "medium"]
    trusted: list[str]
    retry: Literal["failed", "never", "all"]
    on_failure: Literal["continue", "stop"]
    run_timeout_minutes: float | None


@dataclass
class Checkpointing:
    """Keys of ``checkpoint``: when a run saves all that it goes on from.

    Attributes:
        every_steps: Optimizer steps between checkpoints; None = none for that.
        every_minutes: Minutes between checkpoints; None = none for that.
    """

    every_steps: int | None
    every_minutes: float | None


@dataclass
class Storing:
    """Keys of ``features``: what a frozen encoder gave, stored for later runs.

    Attributes:
        max_gib: All stores under one output root together; None = what the disk holds.
    """

    max_gib: float | None


@dataclass
class Loading:
    """Keys of ``data`` that are about batches, not about the source.

    Attributes:
        max_length: Longest input in tokens, special tokens included; None = the encoder's limit.
        batch_size: Training examples per step and device.
        effective_batch_size: Training examples per optimizer step, on all devices together; None = what follows.
        eval_batch_size: Examples per step in validation and test.
        num_workers: Processes that prepare batches.
        batching: Whether training batches are cut by texts or by tokens.
        max_tokens: Of a batch that is cut by tokens.
    """

    max_length: int | None
    batch_size: int
    effective_batch_size: int | None
    eval_batch_size: int
    num_workers: int
    batching: Literal["by_count", "by_tokens"]
    max_tokens: int


LOADING_KEYS = frozenset(field.name for field in fields(Loading))
