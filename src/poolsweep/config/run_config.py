"""The config of a run as one typed object, made once from its resolved keys, and all that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from poolsweep.config.batch_plan import BatchPlan, batch_plan
from poolsweep.config.keys import Checkpointing, Loading, Refit, Root, RowKeys, Storing
from poolsweep.config.names import data_name
from poolsweep.config.node import Node
from poolsweep.config.probe import is_probe
from poolsweep.config.processes import processes_of
from poolsweep.config.shape import missing_keys, shape_problems
from poolsweep.device import accelerator_type, canonical_precision
from poolsweep.errors import RefusedError, UserError
from poolsweep.metric_names import direction
from poolsweep.pooling.presets import pooling_name
from poolsweep.tasks import Task, make_task

_PARTS = ("data", "encoder", "pairs", "postprocess", "head", "loss", "optimizer", "scheduler", "trainer")


@dataclass(frozen=True)
class RunConfig(Root):
    """What a run is told, and what follows from it.

    Attributes:
        task: What is predicted of a text.
        checkpoint: When all is saved that an interrupted run goes on from.
        features: Limits of what frozen encoders' features take on the disk.
        loading: How rows become batches.
        rows: Which rows are left out.
        data: Makes the data source.
        encoder: Makes the encoder and its tokenizer.
        layers: Makes the pooling's half that combines layers.
        tokens: Makes the pooling's half that makes one vector of the tokens.
        chunks: Makes the pooling's part that makes one vector of the windows of a long text.
        pairs: Makes one vector of the two texts of a pair.
        postprocess: Makes what changes pooled vectors.
        head: Makes the classifier's head.
        loss: Makes the loss.
        optimizer: Makes the optimizer.
        scheduler: Makes its schedule.
        trainer: Makes Lightning's Trainer or the probe.
        loggers: Name → node that makes a logger.
        callbacks: Name → node that makes a callback.
        own_metrics: Name → node that makes a metric of the user's own.
        trial: The search that the run is a trial of; None where it is none.
        refit: What the run fits anew for use; None where it is a run like any other.
        content: All keys, as ``config.yaml`` records them.
    """

    task: Task
    checkpoint: Checkpointing
    features: Storing
    loading: Loading
    rows: RowKeys
    data: Node
    encoder: Node
    layers: Node
    tokens: Node
    chunks: Node
    pairs: Node
    postprocess: Node
    head: Node
    loss: Node
    optimizer: Node
    scheduler: Node
    trainer: Node
    loggers: Mapping[str, Node]
    callbacks: Mapping[str, Node]
    own_metrics: Mapping[str, Node]
    trial: Node | None
    refit: Refit | None
    content: Node

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> RunConfig:
        """The config of resolved keys; their values are checked by ``validate``.

        Args:
            content: Plain containers, every interpolation resolved.
        Raises:
            RefusedError: If they have another shape than a config.
            UserError: With every key that is missing.
        """
        if problems := shape_problems(content):
            raise RefusedError(*problems)
        if missing := missing_keys(content):
            raise UserError(*missing)
        own: dict[str, Any] = {field.name: content[field.name] for field in fields(Root)}
        own |= {part: Node(content[part]) for part in _PARTS}
        return cls(
            **own,
            task=make_task(content["task"], calibrate=content["calibrate"]),
            checkpoint=Checkpointing(**content["checkpoint"]),
            features=Storing(**content["features"]),
            loading=Loading(**{field.name: content["data"][field.name] for field in fields(Loading)}),
            rows=RowKeys(**{field.name: content["data"][field.name] for field in fields(RowKeys)}),
            layers=Node(content["pooling"]["layers"]),
            tokens=Node(content["pooling"]["tokens"]),
            chunks=Node(content["pooling"]["chunks"]),
            loggers={name: Node(node) for name, node in (content["logger"] or {}).items()},
            callbacks={name: Node(node) for name, node in (content["callbacks"] or {}).items()},
            own_metrics={name: Node(node) for name, node in (content.get("own_metrics") or {}).items()},
            trial=Node(content["trial"]) if content.get("trial") else None,
            refit=Refit(**content["refit"]) if "refit" in content else None,
            content=Node(content),
        )

    def on(self, accelerator: str) -> RunConfig:
        """The same for one type of device, where ``auto`` stood for what there is.

        Args:
            accelerator: cpu, cuda or mps.
        """
        trainer = {**self.trainer, "accelerator": accelerator}
        return RunConfig.of({**self.content, "trainer": trainer})

    @property
    def study_folder(self) -> Path:
        """Where the runs of the study lie."""
        return Path(self.output_root) / self.study

    @property
    def accelerator(self) -> str:
        """The type of device that the run is on where runs are done: cpu, cuda or mps."""
        return accelerator_type(self.trainer["accelerator"])

    @cached_property
    def precision(self) -> str:
        """Lightning's full name of the precision."""
        return canonical_precision(self.trainer["precision"])

    @cached_property
    def processes(self) -> int:
        """Processes that train the run together, on all machines."""
        return 1 if self.is_probe else processes_of(self.trainer)

    @cached_property
    def nodes(self) -> int:
        """Machines that the run is on."""
        return 1 if self.is_probe else self.trainer["num_nodes"]

    @cached_property
    def batch_plan(self) -> BatchPlan:
        """How an optimizer step is divided among devices and steps."""
        return batch_plan(self.content)

    @cached_property
    def is_probe(self) -> bool:
        """Whether a head is solved rather than trained."""
        return is_probe(self.content)

    @cached_property
    def frozen(self) -> bool:
        """Whether nothing of the encoder is trained."""
        return self.encoder["frozen"]

    @property
    def regime(self) -> Literal["probe", "frozen", "lora", "fine-tuned"]:
        """How much is trained: a head that is solved, what follows a frozen encoder, an adapter too, or everything."""
        if self.frozen:
            return "probe" if self.is_probe else "frozen"
        return "fine-tuned" if self.encoder.get("adapter") is None else "lora"

    @property
    def selects(self) -> bool:
        """Whether validation rows are held back, and select."""
        return self.refit is None or not self.refit.with_validation

    @cached_property
    def halves_out_of_memory(self) -> bool:
        """Whether a run that is out of memory starts over with batches in halves."""
        return not self.is_probe and self.trainer["on_oom"] == "halve"

    @cached_property
    def mode(self) -> Literal["max", "min"]:
        """Whether more of the monitored metric is better, or less."""
        return direction(self.monitor)

    @cached_property
    def data_name(self) -> str:
        """How the data set is called in leaderboards."""
        return data_name(self.data)

    @cached_property
    def pooling(self) -> Node:
        """Both halves of the pooling, and its chunks."""
        return Node(self.content["pooling"])

    @cached_property
    def pooling_name(self) -> str:
        """How the pooling is called in leaderboards: its preset or its two halves, and how it reads long texts."""
        return pooling_name(self.pooling)
