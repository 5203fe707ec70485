"""How the processes of a run find each other, agree, and part again."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from poolsweep.distributed.world import World

_FIRST_PORT, _PORTS = 15000, 15000
_PATIENCE = timedelta(minutes=30)  # of a process for the others
T = TypeVar("T")
_apart: list[bool] = []


@contextmanager
def process_group(world: World, *, device: torch.device) -> Iterator[None]:
    """Be part of the group of a run's processes, and leave nothing of it behind.

    Args:
        world: This process among them.
        device: What it computes on.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if world.size == 1:
        yield
        return
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        store=_store(world),
        rank=world.rank,
        world_size=world.size,
        timeout=_PATIENCE,
        device_id=device if device.type == "cuda" else None,
    )
    try:
        yield
    finally:
        gc.collect()  # wrappers of the module that hold on to the group
        dist.destroy_process_group()


def _store(world: World) -> dist.TCPStore:
    """Where the processes meet: served by whoever started them, else by the first of them."""
    served = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    host, port = _address()
    return dist.TCPStore(host, port, world.size, is_master=world.rank == 0 and not served, timeout=_PATIENCE)


def _address() -> tuple[str, int]:
    """Where the first process serves the store, unless the environment says so: a port made of the job's id."""
    env = os.environ
    host = env.get("MASTER_ADDR")
    if host is None and int(env.get("SLURM_STEP_NUM_NODES", "1")) > 1:
        from pytorch_lightning.plugins.environments import SLURMEnvironment

        host = SLURMEnvironment.resolve_root_node_address(env.get("SLURM_STEP_NODELIST") or env["SLURM_NODELIST"])
    job, step = (int(env.get(key, "0")) for key in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    return host or "127.0.0.1", int(env.get("MASTER_PORT") or _FIRST_PORT + (job + 7919 * step) % _PORTS)


@contextmanager
def by_itself() -> Iterator[None]:
    """Do something in one process that the others do not take part in: what is gathered is its own."""
    _apart.append(True)
    try:
        yield
    finally:
        _apart.pop()


def _together() -> bool:
    return not _apart and dist.is_available() and dist.is_initialized()


def leads() -> bool:
    """Whether this process is the first of its run."""
    return not (dist.is_available() and dist.is_initialized()) or dist.get_rank() == 0


@contextmanager
def known_to_lightning(world: World) -> Iterator[None]:
    """Let Lightning know which process this is: a variable of a launcher may tell it of a job around the run.

    Args:
        world: This process among those of the run.
    """
    from pytorch_lightning.utilities.rank_zero import rank_zero_only

    before = getattr(rank_zero_only, "rank", 0)
    rank_zero_only.rank = world.rank  # type: ignore[attr-defined]
    try:
        yield
    finally:
        rank_zero_only.rank = before  # type: ignore[attr-defined]


def all_gather(mine: T) -> list[T]:
    """What each process has, in the order of their ranks; of a single process, its own."""
    if not _together():
        return [mine]
    everyone: list[T] = [mine] * dist.get_world_size()
    dist.all_gather_object(everyone, mine)
    return everyone


def broadcast(mine: T) -> T:
    """What the process of rank 0 has."""
    if not _together():
        return mine
    box = [mine]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def all_reduce(mine: Tensor | float) -> Tensor:
    """The sum of a number over all processes."""
    value = torch.as_tensor(mine)
    if _together():
        value = value.clone()
        dist.all_reduce(value)
    return value
