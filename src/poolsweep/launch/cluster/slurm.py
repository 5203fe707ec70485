"""What Slurm knows of jobs, asked through its own commands; imports nothing heavy."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from poolsweep.runs.job import JobRecord

_WAITING = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"}
_SECONDS = 60
_AT_A_TIME = 500  # job ids in one command


class SlurmUnreachableError(Exception):
    """Slurm doesn't answer, so nothing is known of any job."""


@dataclass(frozen=True)
class QueuedJob:
    """A job that Slurm has still to end.

    Attributes:
        job_id: Such as ``12_3``.
        state: Slurm's word.
        reason: Why it waits, in Slurm's words.
    """

    job_id: str
    state: str
    reason: str

    @property
    def waits(self) -> bool:
        """Whether no node is at work on it."""
        return self.state in _WAITING


def queue(names: Iterable[str]) -> dict[tuple[str, int], QueuedJob]:
    """All jobs of some names that have not ended: (name, index in the array) → job.

    Asking by name, not by id, finds the jobs of a driver that died before it had noted their ids, and is no error when
    none is left.

    Raises:
        SlurmUnreachableError: If squeue cannot be asked.
    """
    wanted = sorted(set(names))
    if not wanted:
        return {}
    text = _ask("squeue", "--noheader", "--array", "--format=%i|%T|%j|%r", f"--name={','.join(wanted)}")
    found: dict[tuple[str, int], QueuedJob] = {}
    for line in text.splitlines():
        job_id, state, name, reason = line.strip().split("|", 3)
        found[name, index_of(job_id)] = QueuedJob(job_id, state, reason)
    return found


def index_of(job_id: str) -> int:
    """Place of a job in its array; 0 for a job of its own.

    Example:
        >>> index_of("12_3"), index_of("12")
        (3, 0)
    """
    return int(job_id.partition("_")[2] or 0)


def ended_states(records: Iterable[JobRecord]) -> Mapping[str, str]:
    """How jobs ended: id → COMPLETED, FAILED, CANCELLED, TIMEOUT, OUT_OF_MEMORY, …; what nobody remembers is left out.

    From Slurm's accounting; without it, from the controller, which forgets a job after some minutes.
    """
    ids = sorted({record.job_id for record in records if record.job_id})
    found: dict[str, str] = {}
    for start in range(0, len(ids), _AT_A_TIME):
        wanted = ids[start : start + _AT_A_TIME]
        try:
            text = _ask(
                "sacct",
                "--noheader",
                "--parsable2",
                "--allocations",
                "--format=JobID,State",
                f"--jobs={','.join(wanted)}",
            )
        except SlurmUnreachableError:
            text = ""
        for line in text.splitlines():
            job_id, _, state = line.partition("|")
            if job_id in wanted and state:
                found[job_id] = state.split()[0]  # "CANCELLED by 1000"
    for job_id in [job_id for job_id in ids if job_id not in found][:_AT_A_TIME]:
        state = state_of(job_id)
        if state is not None:
            found[job_id] = state
    return found


def state_of(job_id: str) -> str | None:
    """State of one job as the controller has it; None if it has forgotten it or doesn't answer."""
    try:
        text = _ask("scontrol", "--oneliner", "show", "job", job_id)
    except SlurmUnreachableError:
        return None
    return next((word.partition("=")[2] for word in text.split() if word.startswith("JobState=")), None)


def requeue(job_id: str) -> str | None:
    """Put a running job back into the queue; gives Slurm's objection, or None if there was none."""
    try:
        _ask("scontrol", "requeue", job_id)
    except SlurmUnreachableError as error:
        return str(error)
    return None


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlurmUnreachableError(f"{command[0]} cannot be asked: {error}") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise SlurmUnreachableError(f"{command[0]}: {lines[-1]}")
    return done.stdout
