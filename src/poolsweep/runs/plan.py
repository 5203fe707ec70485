"""planned.json: which runs a study is to have, so that those that never began are known to be missing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poolsweep.files.writing import read_json, write_json
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.lock import guard_of
from poolsweep.runs.records import known_status
from poolsweep.runs.secrets import redacted

_FILE = "planned.json"


def write_plan(study: Path, runs: Mapping[RunFolder, str]) -> None:
    """Add runs to those that are planned; a run that is planned again keeps its place and gets the present time.

    Args:
        study: Its folder.
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
