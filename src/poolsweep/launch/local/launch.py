"""Runs the jobs of a sweep in workers, as many at once as there are slots."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf

from poolsweep.config import resolve
from poolsweep.device import accelerator_type
from poolsweep.errors import UserError
from poolsweep.launch.local.pool import WorkerDiedError, WorkerPool
from poolsweep.launch.local.slots import Slot, make_slots, visible_gpus
from poolsweep.process.cpu_affinity import most_processes, usable_cores
from poolsweep.training.died import record_death
from poolsweep.training.job import run_name

_POLL_SECONDS = 0.2
_pools: dict[tuple[Slot, ...], WorkerPool] = {}


def slots_for(
    config: DictConfig,
    job_overrides: Sequence[Sequence[str]],
    *,
    runs_at_once: int | None,
    runs_per_gpu: int,
    gpus: Sequence[int] | None,
) -> list[Slot]:
    """The slots of a sweep.

    Args:
        config: The sweep's, before its points' own overrides.
        job_overrides: Overrides of each point; ``trainer.devices`` among them counts.
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
    on_gpu = gpus is not None or accelerator_type(str(config.trainer.accelerator)) == "cuda"
    try:
        names = visible_gpus(count=torch.cuda.device_count(), chosen=gpus, environment=os.environ) if on_gpu else []
    except ValueError as error:
        raise UserError(str(error)) from error
    wanted = [config.trainer.devices, *(o.partition("=")[2] for job in job_overrides for o in job if _is_devices(o))]
    numbers = [int(value) for value in wanted if str(value).isdigit()]
    each = max(1, *numbers) if len(numbers) == len(wanted) else max(1, len(names))  # "auto": all of them
    if names and each > len(names):
        raise UserError(f"trainer.devices={each}: {len(names)} GPUs are there for hydra/launcher=local")
    return make_slots(
        cores=usable_cores(), gpus=names, gpus_per_run=each, runs_at_once=runs_at_once, runs_per_gpu=runs_per_gpu
    )


def _is_devices(override: str) -> bool:
    return override.partition("=")[0].lstrip("+") == "trainer.devices"


def run_jobs(count: int, *, compose: Callable[[int], DictConfig], slots: Sequence[Slot]) -> list[JobReturn]:
    """Run jobs and wait for them; a worker that dies takes its own run with it and no other.

    A signal is passed on to all workers, which save what they have.

    Args:
        count: How many jobs.
        compose: Gives a job's config, Hydra's own node included.
        slots: One worker each.
    Raises:
        UserError: With the problems of all jobs that were refused.
    """
    pool = _pools.setdefault(tuple(slots), WorkerPool(slots))
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(count):
        waiting.put(index)
    answers: dict[int, JobReturn] = {}
    composing, stopping = threading.Lock(), threading.Event()
    broken: list[BaseException] = []

    def serve(place: int) -> None:
        try:
            while not stopping.is_set():
                index = waiting.get_nowait()
                with composing:
                    config = compose(index)
                answers[index] = _ask(pool, place, config, stopping=stopping)
        except queue.Empty:
            return
        except BaseException as error:  # a bug of ours must not be lost in a thread
            broken.append(error)
            stopping.set()

    threads = [threading.Thread(target=serve, args=(place,), daemon=True) for place in range(min(len(slots), count))]
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
    problems = [problem for answer in answers.values() for problem in _problems(answer)]
    if problems:
        raise UserError(*dict.fromkeys(problems))
    return [answers[index] for index in range(count)]


def close_pools() -> None:
    """End all workers; they are idle."""
    while _pools:
        _pools.popitem()[1].close()


def _ask(pool: WorkerPool, place: int, config: DictConfig, *, stopping: threading.Event) -> JobReturn:
    answer = JobReturn(overrides=list(config.hydra.overrides.task), hydra_cfg=OmegaConf.masked_copy(config, ["hydra"]))
    try:
        kind, content = pool.run(place, config)
    except WorkerDiedError as error:
        if not stopping.is_set():
            _record(config, reason=str(error), kind=error.kind, log=error.last_lines)
        answer.status, answer.return_value = JobStatus.FAILED, error
        return answer
    if kind == "error":
        _record(config, reason=content[-1], kind="exception", log=content)
        answer.status, answer.return_value = JobStatus.FAILED, RuntimeError(content[-1])
    elif kind == "refused":
        answer.status, answer.return_value = JobStatus.FAILED, UserError(*content)
    else:
        answer.status, answer.return_value = JobStatus.COMPLETED, content
    return answer


def _record(config: DictConfig, *, reason: str, kind: str, log: Sequence[str]) -> None:
    record_death(resolve(config), name=run_name(config.hydra.overrides.task), reason=reason, kind=kind, log=log)


def _problems(answer: JobReturn) -> tuple[str, ...]:
    error: Any = None if answer.status is JobStatus.COMPLETED else answer._return_value
    return error.problems if isinstance(error, UserError) else ()
