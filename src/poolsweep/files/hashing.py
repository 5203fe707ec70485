"""The content of a file as a short hash, read once per process for as long as nobody writes to the file."""

from __future__ import annotations

import time
from pathlib import Path

import xxhash

from poolsweep.terminal.progress import Progress

_BLOCK = 2**20
_SETTLED_SECONDS = 2.0  # a file that was written later may be written again within one tick of the file system's clock
_known: dict[str, tuple[tuple[int, ...], str]] = {}


def file_hash(path: Path) -> str:
    """A hash of the whole content.

    What was hashed before is looked up by the file's number, size and times. The time of its last change of status is
    one of them: programs that copy files can set the time of modification, and not that one.
    """
    stat = path.stat()
    stamp = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    name = str(path.absolute())
    if name in _known and _known[name][0] == stamp:
        return _known[name][1]
    digest, progress = xxhash.xxh3_128(), Progress(f"reading {path}", stat.st_size)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            progress.at(file.tell())
    found = digest.hexdigest()
    if time.time() - stat.st_ctime > _SETTLED_SECONDS:
        _known[name] = stamp, found
    return found
