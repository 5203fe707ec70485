"""job.json: which job of a cluster has been given a run; imports nothing heavy, so that ``status`` is quick."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from poolsweep.files.writing import read_json, write_json
from poolsweep.process.slurm_job import in_own_job
from poolsweep.runs.folder import RunFolder


@dataclass(frozen=True)
class JobRecord:
    """A job that was submitted for a run.

    It is written before the job is submitted, so that a driver that dies in between leaves a name to look for.

    Attributes:
        name: Name of the job or array, which no other has.
        index: Within the array; 0 for a job of its own.
        job_id: Slurm's, such as ``12_3``; None as long as it isn't known.
        log: What the job prints.
        submitted: When.
    """

    name: str
    index: int
    job_id: str | None = None
    log: str | None = None
    submitted: float = 0.0

    def with_id(self, job_id: str, *, log: Path) -> JobRecord:
        """The record of a job that was accepted."""
        return replace(self, job_id=job_id, log=str(log))


def write_record(folder: RunFolder, record: JobRecord) -> None:
    """Store a run's job."""
    write_json(folder.job, asdict(record))


def read_record(folder: RunFolder) -> JobRecord | None:
    """The job that was submitted last for a run; None if none was."""
    content = read_json(folder.job)
    if not isinstance(content, dict) or "name" not in content or "index" not in content:
        return None
    known = {field.name for field in fields(JobRecord)}
    return JobRecord(**{key: value for key, value in content.items() if key in known})


def record_this_job(folder: RunFolder) -> None:
    """Store the Slurm job that this process belongs to, if it is one of ours: whoever typed ``sbatch`` didn't."""
    if not in_own_job():
        return
    index = int(os.environ.get("SLURM_ARRAY_TASK_ID", "0"))
    name, before = os.environ.get("SLURM_JOB_NAME", ""), read_record(folder)
    if before is not None and (before.name, before.index) == (name, index):
        return
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    job_id = f"{array}_{index}" if array else os.environ["SLURM_JOB_ID"]
    write_record(folder, JobRecord(name, index, job_id, submitted=time.time()))
