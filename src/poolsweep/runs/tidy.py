"""Removes what a killed process left in the folder of a run that has finished."""

from __future__ import annotations

import contextlib

from poolsweep.files.writing import remove_half_written
from poolsweep.runs.checkpoints import CheckpointStore
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.lock import RunLock, holder


def tidy(folder: RunFolder) -> None:
    """Remove the lock, checkpoints and half-written files of a finished run whose process was killed at its very end.

    Args:
        folder: The run's, which has finished; where it may not be written to, nothing happens.
    """
    with contextlib.suppress(OSError):
        if folder.lock.exists():
            if holder(folder.lock) is not None:
                return
            lock = RunLock(folder.path)
            if not lock.acquire():
                return
            lock.release()
        CheckpointStore(folder.checkpoints).clear_finished()
        remove_half_written(folder.path)
