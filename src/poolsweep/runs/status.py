"""status.json: where a run is, written while it runs, so that anything can watch it."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from poolsweep.files.writing import write_json
from poolsweep.process.owner import owner
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.lock import RunLock
from poolsweep.runs.records import known_status

_SECONDS_BETWEEN_WRITES = 0.5


class StatusFile:
    """Writes a run's state, progress and heartbeat.

    Args:
        folder: The run's.
        name: What a person calls the run (its overrides).
        run_id: Identity of the run.
        lock: The run's, held; nothing is written without it, since another process of the run does, or once it is lost.
        same_attempt: Whether this process continues the attempt of the process that started it.
    """

    def __init__(
        self, folder: RunFolder, *, name: str, run_id: str, lock: RunLock | None, same_attempt: bool = False
    ) -> None:
        self._lock = lock
        self._folder, self._path = folder.path, folder.status
        self._last_write = 0.0
        self._clock = time.monotonic()
        before = known_status(folder.path) or {"attempts": 0}
        self._seconds_before = before.get("seconds", 0.0) if same_attempt else 0.0
        attempts = before.get("attempts", 1) + (not same_attempt)
        who = {key: value for key, value in owner().items() if key in {"host", "pid"}}
        self.content: dict[str, Any] = {
            "state": "running", "phase": "starting", "name": name, "run_id": run_id, "attempts": attempts,
            "started": (same_attempt and before.get("started")) or time.time(),
            "micro_batches": before.get("micro_batches", 1), **who, "job": os.environ.get("SLURM_JOB_ID"),
        }  # fmt: skip

    def update(self, *, force: bool = False, **content: Any) -> None:  # noqa: ANN401
        """Take note of progress; written at most twice a second unless ``force``.

        A full disk does not end a run here: what it cannot say, it goes without saying.
        """
        self.content |= content
        now = time.monotonic()
        if self._lock is not None and (force or now - self._last_write >= _SECONDS_BETWEEN_WRITES):
            self._last_write = now
            self.content["heartbeat"] = time.time()
            self.content["seconds"] = round(self._seconds_before + now - self._clock, 3)
            with contextlib.suppress(OSError):
                if not self._lock.is_mine():
                    return
                write_json(self._path, self.content)

    def catch_up(self) -> None:
        """Take over what another process of the run has written meanwhile."""
        self.content |= known_status(self._folder)
