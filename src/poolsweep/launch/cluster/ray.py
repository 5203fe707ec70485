"""What ``hydra/launcher=ray`` does: one Ray task per run, in a process of its own.

Ray is there to find a free machine and to start a process on it. What came of a run stands in its folder, as always;
what a task returns says only that it has ended.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from poolsweep.config import RunConfig
from poolsweep.errors import UserError
from poolsweep.launch.cluster.lost import record_lost
from poolsweep.launch.launcher import Job
from poolsweep.runs.records import known_result
from poolsweep.terminal.console import Console


@dataclass(frozen=True)
class RayLimits:
    """The keys of ``hydra.launcher``.

    Attributes:
        address: Address of a running Ray; None = one on this machine, for this sweep alone.
        cpus: Per device.
        gpus: Per run; ``auto`` = one per device.
        memory: Bytes that a run is taken to need; None = not counted.
        retries: How often a run is begun again, from its last checkpoint, when its process or its machine dies.
        init: Other options of ``ray.init``.
    """

    address: str | None
    cpus: int
    gpus: int | Literal["auto"]
    memory: int | None
    retries: int
    init: dict[str, Any]

    @property
    def accelerator(self) -> str:
        """What ``trainer.accelerator=auto`` will find in a task."""
        return "cpu" if self.gpus == 0 else "cuda"

    def of(self, config: RunConfig) -> dict[str, float]:
        """What one run asks of Ray.

        Raises:
            UserError: If its devices are no number, or it needs several machines.
        """
        devices = config.trainer["devices"]
        if not isinstance(devices, int) or devices < 1:
            raise UserError(f"trainer.devices must be a number of at least 1 under hydra/launcher=ray, got {devices}")
        if config.nodes != 1:
            raise UserError(
                f"a run on several machines needs hydra/launcher=slurm, got trainer.num_nodes={config.nodes}"
            )
        gpus = devices if self.gpus == "auto" else self.gpus
        return {"num_cpus": self.cpus * devices, "num_gpus": gpus, **({"memory": self.memory} if self.memory else {})}


def launch_on_ray(runs: Sequence[Job], limits: RayLimits) -> None:
    """Run them all; returns when every one has ended.

    Args:
        runs: Runs of one study, in a folder that all machines see.
        limits: Limits of each run.
    Raises:
        UserError: If Ray cannot be had.
    """
    import ray

    asked = [limits.of(run.config) for run in runs]
    started_here = not ray.is_initialized()
    if started_here:
        _start(limits)
    try:
        _require_room(asked)
        task = ray.remote(max_calls=1, max_retries=limits.retries)(run_remotely)  # max_calls: a fresh process for each
        here = os.path.realpath(".")
        waiting = {
            task.options(name=run.name or "run", **needs).remote(run.config, run.name, here): run
            for run, needs in zip(runs, asked, strict=True)
        }
        while waiting:
            [done], _ = ray.wait(list(waiting), num_returns=1)
            _settle(waiting.pop(done), done)
    finally:
        if started_here:
            ray.shutdown()


def run_remotely(config: RunConfig, name: str, folder: str) -> str:
    """One run, in a worker of Ray's; gives its status.

    Args:
        config: The run's.
        name: What a person calls it.
        folder: Folder that the command was typed in: relative paths start there.
    """
    from poolsweep.training.job import run

    os.chdir(folder)
    return run(config, name=name, sweeping=True)["status"]


def _start(limits: RayLimits) -> None:
    import ray

    local = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"} if limits.address is None else {}
    try:
        ray.init(address=limits.address, log_to_driver=False, logging_level=logging.ERROR, **{**local, **limits.init})
    except Exception as error:  # of a node that is slow to start Ray raises no narrower one
        raise UserError(f"Ray cannot be had at {limits.address or 'this machine'}: {_first_line(error)}") from error


def _require_room(asked: Sequence[Mapping[str, float]]) -> None:
    """A task that asks for more than any machine has would wait for ever."""
    import ray

    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for needs in asked:
        wanted = {"CPU": needs["num_cpus"], "GPU": needs["num_gpus"]}
        if not any(all(machine.get(kind, 0) >= count for kind, count in wanted.items()) for machine in machines):
            has = " or ".join(f"{m.get('CPU', 0):g} CPUs and {m.get('GPU', 0):g} GPUs" for m in machines)
            raise UserError(
                f"a run asks for {wanted['CPU']} CPUs and {wanted['GPU']} GPUs, and Ray's machines have {has}"
            )


def _settle(run: Job, reference: Any) -> None:  # noqa: ANN401
    import ray

    try:
        ray.get(reference)
    except Exception as error:  # the task's own, or that its process died too often
        reason = f"its Ray task left no result: {_first_line(error)}"
        Console(stderr=True).say(f"{run.name}: {reason}")
        if not known_result(run.folder.path):
            record_lost(run.folder, reason)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
