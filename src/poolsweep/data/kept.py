"""What is made once and kept in the cache: by what it was made from, and with checksums that every reader compares."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import xxhash
from filelock import FileLock

from poolsweep.data.cache import cache_dir, cannot_write
from poolsweep.files.hashing import file_hash

_ABOUT = "about.json"


def kept(kind: str, key: str, make: Callable[[Path], Mapping[str, Any]]) -> tuple[Path, dict[str, Any]]:
    """A folder of the cache, made where it is missing or damaged; of several processes one makes it.

    Args:
        kind: Folder of the cache.
        key: All that the content follows from.
        make: Writes the files into a folder, and returns what else is to be known of them.
    Returns:
        The folder, and what ``make`` returned.
    Raises:
        UserError: If the cache cannot be written.
    """
    folder = cache_dir() / kind / xxhash.xxh3_128_hexdigest(key.encode("utf-8", "surrogatepass"))
    about = _whole(folder)
    if about is not None:
        return folder, about
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            return folder, _whole(folder) or _made(folder, make)
    except OSError as error:
        raise cannot_write(folder.parent, error) from error


def _made(folder: Path, make: Callable[[Path], Mapping[str, Any]]) -> dict[str, Any]:
    """Only the process that holds the lock may."""
    making = f".making-{folder.name}-"
    for left in folder.parent.glob(f"{making}*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=making, dir=folder.parent) as temporary:
        whole = Path(temporary) / "whole"
        whole.mkdir()
        about = json.loads(json.dumps(make(whole)))
        sums = {path.name: file_hash(path) for path in sorted(whole.iterdir())}
        (whole / _ABOUT).write_text(json.dumps({"sums": sums, "about": about}), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        whole.rename(folder)
    return about


def _whole(folder: Path) -> dict[str, Any] | None:
    """What is known of a folder whose files are as they were written; else None."""
    try:
        content = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        same = all(file_hash(folder / name) == found for name, found in content["sums"].items())
        return content["about"] if same else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
