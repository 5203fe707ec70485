"""status.json: where a run is, written while it runs, so that anything can watch it."""

from __future__ import annotations

import time
from typing import Any

from poolsweep.run.environment import owner
from poolsweep.run.files import write_json
from poolsweep.run.folder import RunFolder

_SECONDS_BETWEEN_WRITES = 0.5


class StatusFile:
    """Writes a run's state, progress and heartbeat.

    Args:
        folder: The run's.
        name: What a person calls the run (its overrides).
        run_id: Its identity.
    """

    def __init__(self, folder: RunFolder, *, name: str, run_id: str) -> None:
        self._path = folder.status
        self._last_write = 0.0
        self.content: dict[str, Any] = {
            "state": "running", "phase": "starting", "name": name, "run_id": run_id, "started": time.time(), **owner()
        }  # fmt: skip

    def update(self, *, force: bool = False, **content: Any) -> None:  # noqa: ANN401
        """Take note of progress; written at most twice a second unless ``force``."""
        self.content |= content
        now = time.monotonic()
        if force or now - self._last_write >= _SECONDS_BETWEEN_WRITES:
            self._last_write = now
            self.content["heartbeat"] = time.time()
            write_json(self._path, self.content)
