"""Runs whose job has ended and left no result: whatever Slurm calls it, such a run has failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from poolsweep.files.writing import last_lines, write_json
from poolsweep.launch.cluster.slurm import QueuedJob, ended_states, queue
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.job import JobRecord, read_record
from poolsweep.runs.lock import holder
from poolsweep.runs.record_fields import RESULT_VERSION
from poolsweep.runs.records import known_result, known_status, write_result

KIND = "lost_job"


@dataclass(frozen=True)
class Followed:
    """What has become of the jobs of some runs.

    Attributes:
        queued: Run folder → its job, which has not ended.
        held: Run folders without a job that a process seems to be at work on: one that was killed on another machine
            does so for a while.
        lost: Run folder → how its job ended, in one line.
        cancelled: Run folders whose job a person ended.
    """

    queued: Mapping[RunFolder, QueuedJob]
    held: frozenset[RunFolder]
    lost: Mapping[RunFolder, str]
    cancelled: frozenset[RunFolder]


def follow(folders: Iterable[RunFolder]) -> Followed:
    """Ask Slurm about the jobs of runs that have no result yet.

    Raises:
        SlurmUnreachableError: If it doesn't answer.
    """
    records = {folder: record for folder in folders if (record := read_record(folder)) is not None}
    jobs = queue(record.name for record in records.values())
    queued = {f: jobs[r.name, r.index] for f, r in records.items() if (r.name, r.index) in jobs}
    # Asked after the queue: a job that ended in between has written its result by now.
    left = {f: r for f, r in records.items() if f not in queued and not known_result(f.path)}
    held = frozenset(f for f in left if holder(f.lock) is not None)
    ended = {f: r for f, r in left.items() if f not in held and not _ran_outside(f, r)}
    states = ended_states(ended.values())
    cancelled = frozenset(f for f, r in ended.items() if states.get(r.job_id or "") == "CANCELLED")
    return Followed(queued, held, {f: _reason(r, states) for f, r in ended.items() if f not in cancelled}, cancelled)


def _ran_outside(folder: RunFolder, record: JobRecord) -> bool:
    """Whether a process outside the cluster was at work on a run after its job was submitted."""
    status = known_status(folder.path)
    return status.get("job") is None and status.get("started", 0.0) > record.submitted


def _reason(record: JobRecord, states: Mapping[str, str]) -> str:
    if record.job_id is None:
        return "Slurm never got the job that was to be submitted"
    state = states.get(record.job_id)
    return f"Slurm job {record.job_id} " + (f"is {state}" if state else "has ended") + " and left no result"


def record_lost(folder: RunFolder, reason: str) -> None:
    """Write down a failure for a job that could not do so itself."""
    log = lost_log(folder)
    status = {"name": folder.path.name, "run_id": folder.path.name, "started": 0.0} | known_status(folder.path)
    failure = {"reason": reason, "kind": KIND}
    facts = {key: status[key] for key in ("run_id", "name")}
    write_result(folder.path, {"schema_version": RESULT_VERSION, **facts, "status": "failed", **failure})
    write_json(folder.status, {**status, "state": "failed", "log": log, **failure})


def lost_log(folder: RunFolder) -> list[str]:
    """The end of what the job printed."""
    record = read_record(folder)
    return last_lines(Path(record.log)) if record is not None and record.log else []
