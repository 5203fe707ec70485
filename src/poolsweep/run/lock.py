"""One process per run: a lock file with an owner and a heartbeat, taken over when the owner is dead."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock

from poolsweep.run.files import read_json, write_json
from poolsweep.run.owner import lives, owner

BEAT_SECONDS = 5.0
PATIENCE_SECONDS = 90.0  # of another machine's heartbeat; file systems of clusters cache times for up to a minute


class LockLostError(Exception):
    """Another process took the run over, since this one gave no sign of life."""


class RunLock:
    """Owns a run while it is held.

    Held by one process at a time, on any machine that sees the folder. A background thread gives a sign of life every
    few seconds; a lock whose owner's process is gone, or that another machine has not touched for long, is taken over.

    Args:
        folder: The run's folder; its parent, the study's, holds the guard of all locks.
        token: Of a lock that the process which started this one holds for it.
    """

    def __init__(self, folder: Path, *, token: str | None = None) -> None:
        self.path = folder / "lock.json"
        self._guard = FileLock(folder.parent / ".locks")
        self.token = token or uuid.uuid4().hex
        self._stop = threading.Event()
        self._beating: threading.Thread | None = None
        self.lost = False

    def acquire(self) -> bool:
        """Take the lock; False if a living process holds it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._guard:
            if holder(self.path, now=self._time_of_file_system()) is not None:
                return False
            write_json(self.path, {**owner(), "token": self.token, "since": time.time()})
        self._beating = threading.Thread(target=self._beat, daemon=True, name="poolsweep-lock")
        self._beating.start()
        return True

    def release(self) -> None:
        """Give the lock back; nothing happens if another process has taken it over."""
        self._stop.set()
        if self._beating is not None:
            self._beating.join()
        with self._guard:
            if self._is_mine():
                self.path.unlink(missing_ok=True)

    def check(self) -> None:
        """Make sure that the run is still ours before anything of it is written.

        Raises:
            LockLostError: If it is not.
        """
        if self.lost or not self._is_mine():
            raise LockLostError("another process took this run over, since this one gave no sign of life for long")

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _is_mine(self) -> bool:
        return (read_json(self.path) or {}).get("token") == self.token

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):  # of a network drive, say: the next beat may be luckier
                if not self._is_mine():
                    self.lost = True
                    return
                os.utime(self.path)

    def _time_of_file_system(self) -> float:
        """The clock that stamps files, which on a network drive is not this machine's."""
        guard = Path(self._guard.lock_file)
        os.utime(guard)
        return guard.stat().st_mtime


def holder(path: Path, *, now: float | None = None) -> dict[str, Any] | None:
    """Who holds a lock and lives; None if nobody does.

    Args:
        path: The lock file.
        now: Time of the file system; this machine's by default.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        return None
    try:
        age = (time.time() if now is None else now) - path.stat().st_mtime
    except FileNotFoundError:
        return None
    return content if lives(content, heartbeat_age=age, patience_seconds=PATIENCE_SECONDS) else None
