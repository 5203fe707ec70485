"""The checkpoint files of a run: each is whole or not there, and the one before is kept until the next is."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import xxhash

from poolsweep.run.files import make_durable

_log = logging.getLogger(__name__)
_NAME = re.compile(r"step-(\d{8,})-([01])-([0-9a-f]{16})\.ckpt")
_KEPT = 2


class CheckpointStore:
    """Checkpoints of one run, newest first, each with the checksum of its content in its name.

    Args:
        folder: The run's ``checkpoints/``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def newest_first(self) -> list[Path]:
        """All that are named as whole."""
        if not self.folder.is_dir():
            return []
        found = [(position_of(path), path) for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        return [path for _, path in sorted(found, reverse=True)]

    def latest(self, *, fits: Callable[[Path], bool]) -> Path | None:
        """The newest checkpoint whose content is what was written and that ``fits``; broken ones are removed.

        Args:
            fits: Whether a whole file can be read into the run's objects.
        """
        for path in self.newest_first():
            if _checksum(path) == path.stem.rpartition("-")[2] and fits(path):
                return path
            _log.warning("%s is damaged or does not fit; going back to the one before", path.name)
            path.unlink(missing_ok=True)
        return None

    @contextmanager
    def writing(self, *, step: int, validated: bool) -> Iterator[Path]:
        """Give a temporary name to write a checkpoint to; it gets its real one once it is on the disk.

        Args:
            step: Optimizer steps taken.
            validated: Whether a validation that was due after that step has been made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".step.{os.getpid()}"
        try:
            yield temporary
            name = f"step-{step:08d}-{int(validated)}-{_checksum(temporary)}.ckpt"
            make_durable(temporary)
            temporary.replace(self.folder / name)
            make_durable(self.folder)
        finally:
            temporary.unlink(missing_ok=True)
        for old in self.newest_first()[_KEPT:]:
            old.unlink(missing_ok=True)

    def oldest_position(self) -> tuple[int, int] | None:
        """Step, and whether validated, of the oldest checkpoint that is kept; None without one."""
        kept = self.newest_first()
        return position_of(kept[-1]) if kept else None

    def clear(self) -> None:
        """Remove all: the run has finished, or starts anew. What a killed process left half written goes too."""
        if self.folder.is_dir():
            for path in [*self.newest_first(), *self.folder.glob(".*")]:
                with contextlib.suppress(OSError):
                    path.unlink()


def position_of(path: Path) -> tuple[int, int]:
    """Step of a checkpoint, and whether the validation due after it has been made (0 or 1)."""
    match = _NAME.fullmatch(path.name)
    assert match is not None
    return int(match[1]), int(match[2])


def _checksum(path: Path) -> str:
    digest = xxhash.xxh3_64()
    with path.open("rb") as file:
        while block := file.read(2**22):
            digest.update(block)
    return digest.hexdigest()
