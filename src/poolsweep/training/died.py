"""Writes down that a run's process died, since it could not do so itself."""

from __future__ import annotations

import time
from collections.abc import Sequence

from poolsweep.config import RunConfig
from poolsweep.files.writing import last_lines, write_json
from poolsweep.runs.lock import RunLock
from poolsweep.runs.record_fields import RESULT_VERSION
from poolsweep.runs.records import known_status, write_result
from poolsweep.runs.secrets import redacted
from poolsweep.training.job import folder_of


def record_death(config: RunConfig, *, name: str, reason: str, kind: str, log: Sequence[str]) -> bool:
    """Record a failure in a run's folder; what it saved stays, and the same command goes on from there.

    Args:
        config: The run's.
        name: What a person calls it.
        reason: In one line.
        kind: Kind of failure.
        log: The last that its process said.
    Returns:
        Whether it was recorded: not if the run has finished, or another process is at work on it.
    """
    folder, identity = folder_of(config)
    lock = RunLock(folder.path)
    if not lock.acquire():
        return False
    with lock:
        if folder.finished() is not None:
            return False
        now = time.time()
        before = known_status(folder.path) or {"name": name, "run_id": identity, "attempts": 1, "started": now}
        failure = {"reason": redacted(reason), "kind": kind}
        said = [redacted(line) for line in (*last_lines(folder.log), *log)][-15:]
        told = {"schema_version": RESULT_VERSION, "run_id": identity, "name": name, "status": "failed", **failure}
        write_result(folder.path, told)
        write_json(folder.status, {**before, "state": "failed", "heartbeat": now, "log": said, **failure})
    return True
