"""What a file system refuses, in one line that names the path and what chose it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

# Variables that name places where files are made, ours first.
_VARIABLES = (
    "POOLSWEEP_OUTPUTS", "POOLSWEEP_CACHE", "HF_DATASETS_CACHE", "HF_HUB_CACHE", "HF_HOME", "WANDB_DIR", "TRACKIO_DIR",
    "XDG_CACHE_HOME", "TMPDIR", "HOME",
)  # fmt: skip
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_ROOM = ("No space left on device", "os error 28", "Disk quota exceeded", "File too large", "os error 27")


def is_full(error: BaseException) -> bool:
    """Whether a disk or a quota is full; libraries that write by themselves say so in words alone."""
    told = isinstance(error, OSError) and error.errno in _FULL
    return told or any(words in str(error) for words in _NO_ROOM)


def in_words(error: OSError, arguments: Sequence[str] = ()) -> str:
    """What the file system refused, as one line.

    Args:
        error: Error of the operating system.
        arguments: The command line, which may have chosen the place.
    Example:
        >>> in_words(PermissionError(13, "Permission denied", "/data/out/x"), ["output_root=/data/out"])
        '/data/out/x cannot be read or written: Permission denied; output_root=/data/out chose that place'
    """
    reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
    path = error.filename2 or error.filename
    if not isinstance(path, str | bytes | os.PathLike):
        return f"{type(error).__name__}: {reason}"
    path = os.fsdecode(path)
    return f"{path} cannot be read or written: {reason}{_chosen_by(path, arguments)}"


def _chosen_by(path: str, arguments: Sequence[str]) -> str:
    """Which variable, key or option put a path where it is: the one that names the most of it."""
    where = Path(path).absolute()
    found = [(len(place.parts), name) for name, place in _places(arguments) if _is_of(where, place)]
    return f"; {max(found)[1]} chose that place" if found else ""


def _is_of(path: Path, place: Path) -> bool:
    """Whether a path lies in a place, or is the folder that was to be made for it."""
    return path.is_relative_to(place) or path == place.parent


def _places(arguments: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """What was typed or set that names a place → the place."""
    before = ""
    for argument in arguments:
        key, _, value = argument.rpartition("=")
        name = argument if key else f"{before} {argument}"
        if value:
            yield name.strip(), Path(value.strip("'\"")).absolute()
        before = argument if re.match("--", argument) else ""
    for variable in _VARIABLES:
        value = os.environ.get(variable)
        if value:
            yield f"{variable}={value}", Path(value).absolute()
    yield "output_root=outputs", Path("outputs").absolute()
    yield (
        "POOLSWEEP_CACHE, which is not set,",
        Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "poolsweep",
    )
