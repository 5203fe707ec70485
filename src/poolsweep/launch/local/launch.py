"""Runs the jobs of a sweep in workers, as many at once as there are slots."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Sequence
from typing import Any

import torch

from poolsweep.device import accelerator_type
from poolsweep.errors import UserError
from poolsweep.launch.launcher import Job
from poolsweep.launch.local.pool import WorkerDiedError, WorkerPool
from poolsweep.launch.local.slots import Slot, make_slots, visible_gpus
from poolsweep.process.cpu_affinity import most_processes, usable_cores
from poolsweep.training.died import record_death
from poolsweep.training.job import run_name

_POLL_SECONDS = 0.2
_pools: dict[tuple[Slot, ...], WorkerPool] = {}


def slots_for(
    devices: Sequence[Any],
    *,
    accelerator: str,
    runs_at_once: int | None,
    runs_per_gpu: int,
    gpus: Sequence[int] | None,
) -> list[Slot]:
    """The slots of a sweep.

    Args:
        devices: ``trainer.devices`` of the runs.
        accelerator: ``trainer.accelerator``.
        runs_at_once: Most runs at once; None = as many as there is room for.
        runs_per_gpu: Most runs on a GPU at once.
        gpus: Numbers of the GPUs to use; None = all.
    Raises:
        UserError: If the launcher's values do not go together with the machine.
    """
    for name, value in (("runs_at_once", runs_at_once), ("runs_per_gpu", runs_per_gpu)):
        if value is not None and (type(value) is not int or value < 1):
            raise UserError(f"hydra.launcher.{name} must be a whole number of at least 1, got {value!r}")
        if value is not None and value > most_processes():
            raise UserError(f"hydra.launcher.{name} must be at most {most_processes()} on this machine, got {value}")
    on_gpu = gpus is not None or accelerator_type(accelerator) == "cuda"
    try:
        names = visible_gpus(count=torch.cuda.device_count(), chosen=gpus, environment=os.environ) if on_gpu else []
    except ValueError as error:
        raise UserError(str(error)) from error
    numbers = [int(value) for value in devices if str(value).isdigit()]
    each = max([1, *numbers]) if len(numbers) == len(devices) else max(1, len(names))  # "auto": all of them
    if names and each > len(names):
        raise UserError(f"trainer.devices={each}: {len(names)} GPUs are there for hydra/launcher=local")
    return make_slots(
        cores=usable_cores(), gpus=names, gpus_per_run=each, runs_at_once=runs_at_once, runs_per_gpu=runs_per_gpu
    )


def run_jobs(jobs: Sequence[Job], *, slots: Sequence[Slot]) -> list[Exception]:
    """Run jobs and wait for them; a worker that dies takes its own run with it and no other.

    A signal is passed on to all workers, which save what they have.

    Args:
        jobs: One or more.
        slots: One worker each.
    Returns:
        What kept jobs from beginning.
    """
    pool = _pools.setdefault(tuple(slots), WorkerPool(slots))
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    stopping = threading.Event()
    refused: list[Exception] = []
    broken: list[BaseException] = []

    def serve(place: int) -> None:
        try:
            while not stopping.is_set():
                if (error := _ask(pool, place, waiting.get_nowait(), stopping=stopping)) is not None:
                    refused.append(error)
        except queue.Empty:
            return
        except BaseException as error:  # a bug of ours must not be lost in a thread
            broken.append(error)
            stopping.set()

    threads = [
        threading.Thread(target=serve, args=(place,), daemon=True) for place in range(min(len(slots), len(jobs)))
    ]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(_POLL_SECONDS)
    except BaseException as error:  # a signal: Ctrl-C, SIGTERM
        stopping.set()
        pool.stop(getattr(error, "signum", None))
        for thread in threads:
            thread.join()
        raise
    if broken:
        raise broken[0]
    return refused


def close_pools() -> None:
    """End all workers; they are idle."""
    while _pools:
        _pools.popitem()[1].close()


def _ask(pool: WorkerPool, place: int, job: Job, *, stopping: threading.Event) -> Exception | None:
    """Run one job; gives what kept it from beginning."""
    try:
        kind, content = pool.run(place, job)
    except WorkerDiedError as error:
        if not stopping.is_set():
            _record(job, reason=str(error), kind=error.kind, log=error.last_lines)
        return None
    if kind == "error":
        _record(job, reason=content[-1], kind="exception", log=content)
    return UserError(*content) if kind == "refused" else None


def _record(job: Job, *, reason: str, kind: str, log: Sequence[str]) -> None:
    record_death(job.config, name=run_name(job.overrides), reason=reason, kind=kind, log=log)
