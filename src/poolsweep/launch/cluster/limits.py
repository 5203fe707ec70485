"""What a run asks of Slurm, as plain keys, and how that is said to sbatch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from poolsweep.config import RunConfig
from poolsweep.errors import UserError
from poolsweep.process.slurm_job import REQUEUES

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """The keys of ``hydra.launcher`` that are about a job.

    Attributes:
        partition: None = the cluster's default; so are the next three.
        account: Who pays.
        qos: Quality of service.
        constraint: Features that the nodes must have.
        time: Minutes, or as Slurm writes it: ``4:00:00``, ``1-12``.
        memory: Memory of a node, as Slurm writes it: ``16G``.
        cpus: Per device.
        gpus: Per node; ``auto`` = one per device.
        nodes: None = ``trainer.num_nodes``, which it must equal.
        parallel: Runs of one array at a time.
        array_size: Runs of one array; a cluster's MaxArraySize − 1.
        warning_seconds: How long before its time is over a run is told to save.
        max_requeues: How often a job may put itself back into the queue.
        setup: Shell lines before a run.
        python: How Python is started in a job; None = as here. A container's, say: ``apptainer exec lab.sif python``.
        sbatch: Any other option of sbatch.
    """

    partition: str | None
    account: str | None
    qos: str | None
    constraint: str | None
    time: int | str
    memory: str | None
    cpus: int
    gpus: int | Literal["auto"]
    nodes: int | None
    parallel: int
    array_size: int
    warning_seconds: int
    max_requeues: int
    setup: list[str]
    python: str | None
    sbatch: dict[str, Any]

    def __post_init__(self) -> None:
        problems = [
            f"hydra.launcher.{key} must be at least {least}, got {value}"
            for key, least in (
                ("cpus", 1),
                ("parallel", 1),
                ("array_size", 1),
                ("warning_seconds", 1),
                ("max_requeues", 0),
            )
            if (value := getattr(self, key)) < least
        ]
        if self.gpus != "auto" and not (isinstance(self.gpus, int) and self.gpus >= 0):
            problems.append(f"hydra.launcher.gpus must be a number or auto, got {self.gpus}")
        try:
            if 60 * minutes(self.time) <= self.warning_seconds:
                problems.append(
                    f"hydra.launcher.time must be longer than warning_seconds={self.warning_seconds}, got {self.time}"
                )
        except ValueError:
            problems.append(f"hydra.launcher.time must be minutes, or like 4:00:00 or 1-12:00:00, got {self.time}")
        if problems:
            raise UserError(*problems)

    @property
    def accelerator(self) -> str:
        """What ``trainer.accelerator=auto`` will find in a job; the login node cannot tell."""
        return "cpu" if self.gpus == 0 else "cuda"


def read_limits(given: Mapping[str, Any], kind: type[T]) -> T:
    """The keys of ``hydra.launcher``, checked.

    Args:
        given: Key → value.
        kind: A dataclass.
    Raises:
        UserError: With every one that has a wrong type, or a wrong value.
    """
    try:
        return TypeAdapter(kind).validate_json(json.dumps(dict(given)), strict=True)  # JSON makes dataclasses
    except ValidationError as error:
        raise UserError(
            *dict.fromkeys(
                f"hydra.launcher.{e['loc'][0]}: {e['msg'][0].lower()}{e['msg'][1:]}, got {e['input']!r}"
                for e in error.errors()
            )
        ) from error


@dataclass(frozen=True)
class Shape:
    """What runs must have in common to be one array.

    Attributes:
        nodes: How many.
        devices: On each; so many tasks are started there.
    """

    nodes: int
    devices: int


def shape_of(config: RunConfig, limits: Limits) -> Shape:
    """How many nodes and tasks a run needs.

    Args:
        config: The run's.
        limits: A job's.
    Raises:
        UserError: If its devices are no number, or it cannot have them.
    """
    devices, nodes = config.trainer["devices"], config.nodes
    if not isinstance(devices, int) or devices < 1:
        raise UserError(f"trainer.devices must be a number of at least 1 under hydra/launcher=slurm, got {devices}")
    if limits.nodes not in {None, nodes}:
        raise UserError(f"hydra.launcher.nodes={limits.nodes} needs trainer.num_nodes={limits.nodes}, got {nodes}")
    if isinstance(limits.gpus, int) and 0 < limits.gpus < devices:
        raise UserError(
            f"trainer.devices={devices} needs as many GPUs on a node, and hydra.launcher.gpus={limits.gpus}"
        )
    return Shape(nodes, devices)


def parameters(limits: Limits, shape: Shape, *, name: str) -> dict[str, Any]:
    """The parameters of submitit's SlurmExecutor.

    Args:
        limits: A job's.
        shape: Shape of its runs.
        name: Name of the job.
    """
    plain = {key: getattr(limits, key) for key in ("partition", "account", "qos", "constraint")}
    gpus = shape.devices if limits.gpus == "auto" else limits.gpus
    return {
        "job_name": name,
        **{key: value for key, value in plain.items() if value is not None},
        "time": minutes(limits.time),
        **({"mem": limits.memory} if limits.memory else {}),
        "nodes": shape.nodes,
        "ntasks_per_node": shape.devices,
        "cpus_per_task": limits.cpus,
        **({"gpus_per_node": gpus} if gpus else {}),
        "array_parallelism": limits.parallel,
        "signal_delay_s": limits.warning_seconds,
        "stderr_to_stdout": True,
        "wckey": None,
        # Slurm 22.05 and newer hand cpus-per-task no longer from sbatch to srun.
        "setup": [f"export {REQUEUES}={limits.max_requeues} SRUN_CPUS_PER_TASK={limits.cpus}", *limits.setup],
        "srun_args": ["--kill-on-bad-exit=1"],
        "additional_parameters": {"requeue": True, **limits.sbatch},
    }


def minutes(time: int | str) -> int:
    """Minutes of a time limit.

    Example:
        >>> minutes(90), minutes("90"), minutes("4:00:00"), minutes("1-12"), minutes("1-12:30"), minutes("2:30")
        (90, 90, 240, 2160, 2190, 3)

    Raises:
        ValueError: If it is none.
    """
    days, dash, rest = str(time).rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    units = (3600, 60, 1) if dash or len(parts) == 3 else (60, 1)
    if len(parts) > len(units):
        raise ValueError(time)
    seconds = sum(part * unit for part, unit in zip(parts, units, strict=False)) + 86400 * int(days or 0)
    if seconds <= 0:
        raise ValueError(time)
    return -(-seconds // 60)
