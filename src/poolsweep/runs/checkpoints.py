"""The checkpoint files of a run: each is whole or not there, and the one before is kept until the next is."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from poolsweep.files.writing import checksum, own_folder, remove, remove_half_written, write_whole

_log = logging.getLogger(__name__)
_NAME = re.compile(r"step-(\d{8,})-([01])-([0-9a-f]{16})\.ckpt")
_BEST = re.compile(r"best(-\d{8,})?\.safetensors")
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
        if not self.folder.is_dir() or self.folder.is_symlink():
            return []
        found = [(position_of(path), path) for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        return [path for _, path in sorted(found, reverse=True)]

    def latest(self, *, fits: Callable[[Path], bool]) -> Path | None:
        """The newest checkpoint whose content is what was written and that ``fits``; broken ones are removed.

        Args:
            fits: Whether a whole file can be read into the run's objects.
        """
        for path in self.newest_first():
            whole = path.is_file() and checksum(path) == path.stem.rpartition("-")[2]
            if whole and fits(path):
                return path
            _log.warning("%s is damaged or does not fit; going back to the one before", path.name)
            remove(path)
        return None

    @contextmanager
    def writing(self, *, step: int, validated: bool) -> Iterator[Path]:
        """Give a temporary name to write a checkpoint to; it gets its real one once it is on the disk.

        Args:
            step: Optimizer steps taken.
            validated: Whether a validation that was due after that step has been made.
        """

        def name(temporary: Path) -> str:
            return f"step-{step:08d}-{int(validated)}-{checksum(temporary)}.ckpt"

        own_folder(self.folder)
        with write_whole(self.folder / "step", durable=True, named=name) as temporary:
            yield temporary
        for old in self.newest_first()[_KEPT:]:
            remove(old)

    def oldest_position(self) -> tuple[int, int] | None:
        """Step, and whether validated, of the oldest checkpoint that is kept; None without one."""
        kept = self.newest_first()
        return position_of(kept[-1]) if kept else None

    def clear(self) -> None:
        """Remove all: the run has finished, or starts anew. What a killed process left half written goes too."""
        self._remove(self.newest_first())

    def clear_all(self) -> None:
        """Remove the weights too, under whatever name; what is not ours stays."""
        if self.folder.is_dir() and not self.folder.is_symlink():
            self._remove([*self.newest_first(), *(p for p in self.folder.iterdir() if _BEST.fullmatch(p.name))])

    def clear_finished(self) -> None:
        """Remove what a run that has finished needs no more, and a killed process left."""
        if self.folder.is_dir() and not self.folder.is_symlink():
            candidates = (path for path in self.folder.glob("best-*") if _BEST.fullmatch(path.name))
            self._remove([*self.newest_first(), *candidates])

    def _remove(self, paths: list[Path]) -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                remove(path)
        if not self.folder.is_symlink():
            remove_half_written(self.folder, ours=True)


def position_of(path: Path) -> tuple[int, int]:
    """Step of a checkpoint, and whether the validation due after it has been made (0 or 1)."""
    match = _NAME.fullmatch(path.name)
    assert match is not None
    return int(match[1]), int(match[2])
