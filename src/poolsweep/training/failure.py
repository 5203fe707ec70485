"""Why a run failed, in words that can be counted, and whether there is room for it at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import nn

from poolsweep.files.faults import is_full

_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
_SPARE_BYTES = 2**24  # predictions, metrics and the log


class DiskFullError(Exception):
    """There is no room for what the run is going to write."""


def kind_of(error: BaseException) -> str:
    """``diverged``, ``timeout``, ``out_of_memory``, ``disk_full``, ``killed``, ``pruned`` or else ``exception``."""
    told = getattr(error, "kind", None)
    if isinstance(told, str):
        return told
    text = ""
    for one in causes(error):
        if isinstance(one, DiskFullError) or is_full(one):
            return "disk_full"
        text += str(one)
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(words in text for words in _NO_MEMORY):
        return "out_of_memory"
    return "exception"


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and those that led to it, each once: a chain of exceptions may be a circle."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        yield one
        seen.add(id(one))
        one = one.__cause__ or one.__context__


def in_one_line(error: BaseException) -> str:
    """The kind of exception and the first line of what it says."""
    text = str(error).strip()
    if isinstance(error, ValidationError):  # a library's own settings; its first line says only how many are wrong
        text = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return f"{type(error).__name__}: {text.splitlines()[0] if text else ''}"


def require_room(folder: Path, module: nn.Module, *, checkpoints: bool) -> None:
    """Make sure that a run's weights will fit on the disk, before it trains.

    Args:
        folder: Folder that it writes to; must exist.
        module: What it trains: two files of its weights exist while the better one is written, and of each checkpoint,
            with the optimizer's two numbers per trained weight, three.
        checkpoints: Whether it writes any before it ends.
    Raises:
        DiskFullError: If there is less room than that.
    """
    weights = sum(tensor.nbytes for tensor in module.state_dict().values())
    trained = sum(parameter.nbytes for parameter in module.parameters() if parameter.requires_grad)
    needed = 2 * weights + (3 * (weights + 2 * trained) if checkpoints else 0) + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        advice = "; checkpoint.every_minutes=null and checkpoint.every_steps=null need less" if checkpoints else ""
        raise DiskFullError(
            f"{folder} has {free / 2**20:,.0f} MiB free, and this run may write {needed / 2**20:,.0f} MiB{advice}"
        )
