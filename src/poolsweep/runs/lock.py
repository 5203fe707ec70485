"""One process per run: a lock file with an owner and a heartbeat, taken over when the owner is dead."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock

from poolsweep.files.writing import only_plain, own_folder, read_json, remove, write_json
from poolsweep.process.owner import is_alive, owner

_log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
PATIENCE_SECONDS = 90.0  # of another machine's heartbeat; file systems of clusters cache times for up to a minute


_given_back: set[str] = set()  # tokens of locks of this process, whose files may have outlived them


class LockLostError(Exception):
    """Another process took the run over, since this one gave no sign of life."""


class RunLock:
    """Owns a run while it is held.

    Held by one process at a time, on any machine that sees the folder. A background thread gives a sign of life every
    few seconds; a lock whose owner's process is gone, or that another machine has not touched for long, is taken over.

    Args:
        folder: The run's folder; its parent, the study's, holds the guard of all locks.
        token: Token of a lock that the process which started this one holds for it.
    """

    def __init__(self, folder: Path, *, token: str | None = None) -> None:
        self.path = folder / "lock.json"
        self._guard = guard_of(folder.parent)
        self.token = token or uuid.uuid4().hex
        self._stop = threading.Event()
        self._beating: threading.Thread | None = None
        self.lost = False

    def acquire(self) -> bool:
        """Take the lock; False if a living process holds it."""
        own_folder(self.path.parent)
        with self._guard:
            if holder(self.path) is not None:
                return False
            write_json(self.path, {**owner(), "token": self.token, "since": time.time()})
        self._beating = threading.Thread(target=self._beat, daemon=True, name="poolsweep-lock")
        self._beating.start()
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens if another process has taken it over.

        Where the file cannot be removed (a drive that became read-only), this process knows that it means nothing.
        """
        self._stop.set()
        if self._beating is not None:
            self._beating.join()
        _given_back.add(self.token)
        try:
            with self._guard:
                if self.is_mine():
                    remove(self.path)
        except OSError as error:
            _log.warning("%s could not be removed: %s", self.path, error)

    def check(self) -> None:
        """Make sure that the run is still ours before anything of it is written.

        Raises:
            LockLostError: If it is not.
        """
        if not self.is_mine():
            raise LockLostError("another process took this run over, since this one gave no sign of life for long")

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def is_mine(self) -> bool:
        """Whether the run is still ours."""
        content = read_json(self.path)
        return not self.lost and isinstance(content, dict) and content.get("token") == self.token

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):  # of a network drive, say: the next beat may be luckier
                if not self.is_mine():
                    self.lost = True
                    return
                os.utime(self.path)


def guard_of(study: Path) -> FileLock:
    """What guards the locks and the plan of a study while they are looked at and changed."""
    return FileLock(only_plain(study / ".locks"))


def holder(path: Path) -> dict[str, Any] | None:
    """Who holds a lock and lives; None if nobody does.

    Args:
        path: The lock file.
    """
    content = read_json(path)
    if not isinstance(content, dict) or content.get("token") in _given_back:
        return None
    alive = is_alive(content)
    if alive is None:
        try:
            alive = _time_of_file_system(path.parent.parent) - path.stat().st_mtime < PATIENCE_SECONDS
        except FileNotFoundError:
            return None
    return content if alive else None


def _time_of_file_system(study: Path) -> float:
    """The clock that stamps files, which on a network drive is not this machine's.

    Whoever may not touch the study can take over nothing in it, and is told by this machine's clock.
    """
    guard = study / ".locks"
    try:
        os.utime(guard, follow_symlinks=False)
        return guard.stat().st_mtime
    except OSError:
        return time.time()
