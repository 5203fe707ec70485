"""The user's cache: what can be made again, by what it is made from, with checksums that every reader compares."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash
from filelock import FileLock, Timeout

from poolsweep.errors import UserError
from poolsweep.files.faults import in_words
from poolsweep.files.hashing import file_hash

_ABOUT = "about.json"
_log = logging.getLogger("poolsweep")


@dataclass(frozen=True)
class Cached:
    """A folder of the cache whose files are as they were written.

    Attributes:
        folder: Path of the folder.
        sums: File name → hash.
        about: What else is known of the content.
    """

    folder: Path
    sums: Mapping[str, str]
    about: Mapping[str, Any]


def cache_dir() -> Path:
    """``POOLSWEEP_CACHE``, or ``poolsweep`` in the user's cache folder."""
    given = os.environ.get("POOLSWEEP_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "poolsweep"


def cached(place: str, key: str, make: Callable[[Path], Mapping[str, Any]], *, what: str) -> Cached:
    """Find or make a folder of the cache.

    Of several processes that ask at once, one makes it and the others wait; if that one is killed, the next makes it.

    Args:
        place: Name of the cache's folder for such content.
        key: Everything that the content follows from.
        make: Function that writes the files into a folder, and returns what else is to be known of them.
        what: Name of the content in a warning, a plural.
    Raises:
        UserError: If the cache cannot be written.
    """
    folder = cache_dir() / place / xxhash.xxh3_128_hexdigest(key.encode("utf-8", "surrogatepass"))
    lock = folder.with_name(f".{folder.name}.lock")
    found = _whole(folder)
    try:
        if found is None:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lock):
                return _whole(folder) or _made(folder, make, what=what)
        if next(folder.parent.glob(_making(folder, "*")), None) is not None:
            with suppress(Timeout), FileLock(lock, timeout=0):
                _remove_half_made(folder)
    except OSError as error:
        raise cannot_write(folder.parent, error) from error
    return found


def cannot_write(folder: Path, error: OSError) -> UserError:
    """What to say where a folder of the cache cannot be written."""
    said = in_words(OSError(error.errno or errno.EIO, error.strerror or str(error), str(folder)))
    elsewhere = "" if "POOLSWEEP_CACHE" in said else "; POOLSWEEP_CACHE names another folder"
    return UserError(f"the cache {said}{elsewhere}")


def _made(folder: Path, make: Callable[[Path], Mapping[str, Any]], *, what: str) -> Cached:
    """Make a folder that appears whole; only the process that holds the lock may."""
    if folder.exists():
        _log.warning("%s are damaged, and made again: %s", what, folder)
    _remove_half_made(folder)
    with tempfile.TemporaryDirectory(prefix=_making(folder), dir=folder.parent) as temporary:
        whole = Path(temporary) / "whole"
        whole.mkdir()
        about = json.loads(json.dumps(make(whole)))
        sums = {path.name: file_hash(path) for path in sorted(whole.iterdir())}
        (whole / _ABOUT).write_text(json.dumps({"sums": sums, "about": about}), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        whole.rename(folder)
    return Cached(folder, sums, about)


def _whole(folder: Path) -> Cached | None:
    """A folder whose files are as they were written; else None."""
    try:
        content = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        found = Cached(folder, content["sums"], content["about"])
        return found if all(file_hash(folder / name) == known for name, known in found.sums.items()) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _making(folder: Path, rest: str = "") -> str:
    return f".making-{folder.name}-{rest}"


def _remove_half_made(folder: Path) -> None:
    """Remove what processes that were killed left beside a folder; only the process that holds the lock may."""
    for left in folder.parent.glob(_making(folder, "*")):
        shutil.rmtree(left, ignore_errors=True)
