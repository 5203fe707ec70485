"""Which runs a study is to have: ``planned.json``, and whether a race or Optuna is at work that plans more of them."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from poolsweep.files.writing import read_json, write_json
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.lock import RunLock, guard_of, holder
from poolsweep.runs.records import known_status
from poolsweep.runs.secrets import redacted

_FILE = "planned.json"
_PREFIX = ".planner-"


def write_plan(study: Path, runs: Mapping[RunFolder, str]) -> None:
    """Add runs to those that are planned; a run that is planned again keeps its place and gets the present time.

    Args:
        study: Folder of the study.
        runs: Folder → name.
    """
    study.mkdir(parents=True, exist_ok=True)
    with guard_of(study):
        now = time.time()
        added = {folder.path.name: {"name": redacted(name), "since": now} for folder, name in runs.items()}
        write_json(study / _FILE, read_plan(study) | added)


def read_plan(study: Path) -> dict[str, dict[str, Any]]:
    """Run id → name, and when it was planned last; removing the file forgets the plan and nothing else."""
    content = read_json(study / _FILE)
    return {run: told for run, told in content.items() if _is_entry(told)} if isinstance(content, dict) else {}


def _is_entry(told: Any) -> bool:  # noqa: ANN401
    return isinstance(told, dict) and isinstance(told.get("name"), str) and isinstance(told.get("since"), int | float)


def stopped_by(folder: RunFolder) -> str | None:
    """Name of a run that failed since this one was planned, and with it; None if none has."""
    study = folder.path.parent
    plan = read_plan(study)
    since = plan.get(folder.path.name, {}).get("since")
    for run_id, planned in plan.items():
        if since is not None and planned["since"] == since:
            status = known_status(study / run_id)
            if status.get("state") == "failed" and status.get("started", 0) >= since:
                return planned["name"]
    return None


@contextmanager
def planning(study: Path) -> Iterator[None]:
    """Let others see that this process is going to plan further runs; several may do so at once.

    Between two rounds of a race, or two trials, no run is running or waiting, and yet the study has not ended.

    Args:
        study: Folder of the study.
    """
    for path in _planners(study):
        if holder(path) is None:  # of a process that was killed
            shutil.rmtree(path.parent, ignore_errors=True)
    own = study / f"{_PREFIX}{uuid.uuid4().hex}"
    lock = RunLock(own)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
        shutil.rmtree(own, ignore_errors=True)


def is_planning(study: Path) -> bool:
    """Whether a process that is alive plans further runs of a study."""
    return any(holder(path) is not None for path in _planners(study))


def _planners(study: Path) -> Iterator[Path]:
    return study.glob(f"{_PREFIX}*/lock.json")
