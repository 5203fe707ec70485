"""``planned.json``: which runs a study is to have, and which combinations cannot be; and who plans more of them."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from poolsweep.files.writing import read_json, write_json
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.lock import RunLock, guard_of, holder
from poolsweep.runs.records import known_status
from poolsweep.runs.secrets import redacted

_FILE = "planned.json"
_PREFIX = ".planner-"
_LONGEST = 10_000  # characters of a name or a reason
_finished: set[tuple[Path, float]] = set()  # runs that need no second look, and when they were planned


@dataclass(frozen=True)
class Skipped:
    """A combination of a sweep that cannot be, since the encoder or the trainer rules its pooling out.

    Attributes:
        name: Overrides that differ between the combinations, without seeds.
        pooling: Preset, or ``layers+tokens``.
        encoder: Name of the encoder.
        reason: What rules it out, in one line.
    """

    name: str
    pooling: str
    encoder: str
    reason: str


def write_plan(study: Path, runs: Mapping[RunFolder, str]) -> None:
    """Add runs to those that are planned; a run that is planned again keeps its place and gets the present time.

    Args:
        study: Folder of the study.
        runs: Folder → name.
    """
    now = time.time()
    added = {folder.path.name: {"name": redacted(name), "since": now} for folder, name in runs.items()}
    with _changing(study) as content:
        content["runs"] |= added


def write_skipped(study: Path, skipped: Sequence[Skipped], *, possible: Collection[str] = ()) -> None:
    """Add combinations that cannot be to those that are known.

    Args:
        study: Folder of the study.
        skipped: Combinations of a sweep, or of a trial.
        possible: Names of combinations that can be, whatever was true of them before.
    """
    added = {one.name: asdict(one) | {"name": redacted(one.name), "reason": redacted(one.reason)} for one in skipped}
    if not added and not read_skipped(study):
        return
    with _changing(study) as content:
        content["skipped"] = {name: told for name, told in content["skipped"].items() if name not in possible} | added


@contextmanager
def _changing(study: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """The content of the file, which is written when the block ends; others wait meanwhile."""
    study.mkdir(parents=True, exist_ok=True)
    with guard_of(study):
        skipped = {one.name: asdict(one) for one in read_skipped(study)}
        content: dict[str, dict[str, Any]] = {"runs": read_plan(study), "skipped": skipped}
        yield content
        write_json(study / _FILE, content)


def read_plan(study: Path) -> dict[str, dict[str, Any]]:
    """Run id → name, and when it was planned last; removing the file forgets the plan and nothing else."""
    return {run: told for run, told in _part(study, "runs").items() if _is_entry(told)}


def read_skipped(study: Path) -> list[Skipped]:
    """The combinations of a study's sweeps that cannot be, each once; entries that are odd are left out."""
    keys = Skipped.__dataclass_fields__.keys()
    told = [one for one in _part(study, "skipped").values() if isinstance(one, dict) and one.keys() == keys]
    whole = [one for one in told if all(isinstance(value, str) and len(value) <= _LONGEST for value in one.values())]
    return [Skipped(**one) for one in whole]


def _part(study: Path, key: str) -> dict[str, Any]:
    content = read_json(study / _FILE)
    found = content.get(key) if isinstance(content, dict) else None
    return found if isinstance(found, dict) else {}


def _is_entry(told: Any) -> bool:  # noqa: ANN401
    return isinstance(told, dict) and isinstance(told.get("name"), str) and isinstance(told.get("since"), int | float)


def stopped_by(folder: RunFolder) -> str | None:
    """Name of a run that failed since this one was planned, and with it; None if none has."""
    study = folder.path.parent
    plan = read_plan(study)
    since = plan.get(folder.path.name, {}).get("since")
    for run_id, planned in plan.items():
        if since is not None and planned["since"] == since and (study / run_id, since) not in _finished:
            status = known_status(study / run_id)
            state = status.get("state") if status.get("started", 0) >= since else None
            if state == "failed":
                return planned["name"]
            if state == "finished":
                _finished.add((study / run_id, since))
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
