"""Files that appear whole or not at all; links are not followed when writing, and what dead writers left is removed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import xxhash

from poolsweep.process.owner import machine_id, process_started

_log = logging.getLogger(__name__)
_LOG_LINES = 30
_LARGEST_RECORD = 2**26  # bytes; no record of ours comes near
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}")
_OF_SAFETENSORS = re.compile(r"\.tmp[0-9A-Za-z]{6}")  # its own, while it writes a file
_ABANDONED_SECONDS = 86_400.0  # of another machine, whose processes cannot be asked
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class NotAFileError(OSError):
    """A folder, a pipe or a file without end stands where a record belongs."""


@contextmanager
def write_whole(path: Path, *, durable: bool = False, named: Callable[[Path], str] | None = None) -> Iterator[Path]:
    """Give an empty file under a temporary name to write to; rename it when the block ends well, remove it when not.

    It gets the mode that the umask asks for, whoever writes to it. What dead writers of the same file left is removed.

    Args:
        path: The name that a whole file gets. A link there is replaced, not followed; a folder there is set aside.
        durable: Wait until it is on the disk, so that it outlives a power cut too.
        named: Gives the name from the written file, if it depends on that.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_half_written(path.parent, of=path.name)
    temporary = path.with_name(f".{path.name}.{machine_id()}-{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CAREFULLY, 0o666)
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    os.close(descriptor)
    try:
        yield temporary
        with contextlib.suppress(OSError):  # a file system without modes
            temporary.chmod(mode)
        if durable:
            make_durable(temporary)
        final = path if named is None else path.with_name(named(temporary))
        if final.is_dir() and not final.is_symlink():
            set_aside(final, why="a folder stands where a file belongs")
        temporary.replace(final)
        if durable:
            make_durable(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def remove_half_written(folder: Path, *, of: str | None = None, ours: bool = False, but_of: str | None = None) -> None:
    """Remove what writers that died left under temporary names.

    Args:
        folder: Folder of files that ``write_whole`` writes.
        of: Name of the one file to look at; None = all.
        ours: Nobody else may write here now, so that what looks alive goes too.
        but_of: Name of a file that others may be writing even so.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in list(entries):
            match = _TEMPORARY.fullmatch(entry.name)
            if match is None:
                goes = ours and _OF_SAFETENSORS.fullmatch(entry.name) is not None
            elif ours:
                goes = match["name"] != but_of
            else:
                goes = of in {None, match["name"]} and not _is_being_written(match, entry)
            if goes:
                Path(entry.path).unlink(missing_ok=True)


def _is_being_written(match: re.Match[str], entry: os.DirEntry[str]) -> bool:
    if match["machine"] == machine_id():
        return process_started(int(match["pid"])) is not None
    return time.time() - entry.stat(follow_symlinks=False).st_mtime < _ABANDONED_SECONDS


def own_folder(path: Path) -> Path:
    """Make a folder to write to; a link or a file in its place is set aside, so that nothing elsewhere changes."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        set_aside(path, why="it is no folder of the run's own")
    path.mkdir(parents=True, exist_ok=True)
    return path


def set_aside(path: Path, *, why: str) -> None:
    """Give something that is in the way another name, and say so.

    Args:
        path: A file, folder or link; of a link the link itself.
        why: What is wrong with it.
    """
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.set-aside-{number}")):
        number += 1
    path.rename(aside)
    _log.warning("%s is set aside as %s: %s", path, aside.name, why)


def remove(path: Path) -> None:
    """Remove a file of ours or a link under its name; a folder under its name is set aside."""
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError):  # the second is what some systems say of a folder
        if not path.is_dir():
            raise
        set_aside(path, why="a folder stands where a file belongs")


def only_plain(path: Path) -> Path:
    """The name of a file that is opened to be written to; a link, folder or pipe under it is set aside."""
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        set_aside(path, why="it is no plain file")
    return path


def open_to_append(path: Path) -> IO[bytes]:
    """Open a file of ours to write at its end; what is no plain file is set aside."""
    only_plain(path)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _CAREFULLY, 0o666), "ab")


def make_durable(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    if path.is_dir() and os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def checksum(path: Path) -> str:
    """xxh3 of a file's content."""
    digest = xxhash.xxh3_64()
    with path.open("rb") as file:
        while block := file.read(2**22):
            digest.update(block)
    return digest.hexdigest()


def read_plain(path: Path, *, at_most: int = _LARGEST_RECORD) -> bytes:
    """The content of a plain file; neither a pipe nor a file without end holds the reader up.

    Args:
        path: The file.
        at_most: Bytes that a file of its kind can have.
    Raises:
        NotAFileError: If it is no plain file, or larger.
        OSError: If it does not exist or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotAFileError(f"{path.name} is no plain file")
        if status.st_size > at_most:
            raise NotAFileError(f"{path.name} has {status.st_size:,} bytes, more than any of its kind")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read()
    finally:
        os.close(descriptor)


def write_json(path: Path, content: Any, *, durable: bool = False) -> None:  # noqa: ANN401
    """Write JSON that a person can read; ``durable`` as in ``write_whole``."""
    with write_whole(path, durable=durable) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:  # noqa: ANN401
    """Read a JSON file; None if it does not exist or is not whole.

    Raises:
        OSError: If it is there and may not or cannot be read.
    """
    try:
        return json.loads(read_plain(path).decode("utf-8"))
    except (FileNotFoundError, NotADirectoryError, NotAFileError, ValueError, RecursionError):
        return None


def last_lines(log: Path) -> list[str]:
    """The end of a log; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 2**14))
            return file.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError:
        return []
