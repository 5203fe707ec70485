"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_LOG_LINES = 30


@contextmanager
def write_whole(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a temporary name to write to; rename it to ``path`` when the block ends well, remove it when not.

    Args:
        path: The name that a whole file gets.
        durable: Wait until it is on the disk, so that it outlives a power cut too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        if durable:
            make_durable(temporary)
        temporary.replace(path)
        if durable:
            make_durable(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def remove_half_written(folder: Path, *, but_of: Path) -> None:
    """Remove what processes that died left under temporary names.

    Args:
        folder: Of files that ``write_whole`` writes.
        but_of: A file that others may be writing just now.
    """
    for path in folder.glob(".*.*"):
        name, _, number = path.name[1:].rpartition(".")
        if number.isdigit() and name != but_of.name and path.is_file():
            with contextlib.suppress(OSError):
                path.unlink()


def make_durable(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    if path.is_dir() and os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, content: Any, *, durable: bool = False) -> None:  # noqa: ANN401
    """Write JSON that a person can read; ``durable`` as in ``write_whole``."""
    with write_whole(path, durable=durable) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:  # noqa: ANN401
    """Read a JSON file; None if it does not exist or is not whole."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def last_lines(log: Path) -> list[str]:
    """The end of a log; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 2**14))
            return file.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError:
        return []
