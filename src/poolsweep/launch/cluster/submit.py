"""Submits runs to Slurm, each once: those whose job is still queued or running are left to it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from poolsweep.errors import UserError
from poolsweep.launch.cluster.limits import Limits, Shape, parameters, shape_of
from poolsweep.launch.cluster.lost import follow, record_lost
from poolsweep.launch.cluster.slurm import QueuedJob
from poolsweep.launch.cluster.task import RunTask
from poolsweep.launch.launcher import Job
from poolsweep.process.interpreter import python_in_shell
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.job import JobRecord, write_record
from poolsweep.runs.lock import holder
from poolsweep.runs.secrets import recorded


@dataclass(frozen=True)
class Submission:
    """What came of it.

    Attributes:
        submitted: Run folder → its new job.
        left: Run folder → the job that it has already.
    """

    submitted: Mapping[RunFolder, JobRecord]
    left: Mapping[RunFolder, QueuedJob]


def submit_missing(runs: Sequence[Job], *, study: Path, limits: Limits) -> Submission:
    """Submit the runs that have no job yet.

    Two drivers at once, or one that was killed half-way, submit nothing twice: a lock is held from the question to
    Slurm until the answer, and a job's name stands in the run folder before sbatch is called.

    Args:
        runs: All of one study.
        study: Folder of the study.
        limits: Limits of each job.
    Raises:
        UserError: If a run cannot be had, or sbatch refuses.
        SlurmUnreachableError: If it is unknown which jobs there are.
    """
    shapes = {run.folder: shape_of(run.config, limits) for run in runs}
    study.mkdir(parents=True, exist_ok=True)
    with FileLock(study / ".submitting"):
        followed = follow([run.folder for run in runs])
        missing = [run for run in runs if run.folder not in followed.queued and _is_open(run.folder)]
        submitted: dict[RunFolder, JobRecord] = {}
        for shape, part in arrays(missing, shapes=shapes, size=limits.array_size):
            submitted |= _submit(part, shape=shape, study=study, limits=limits)
    return Submission(submitted, followed.queued)


def _is_open(folder: RunFolder) -> bool:
    """Whether a run has not finished meanwhile, and no process outside Slurm is at work on it."""
    return folder.finished() is None and holder(folder.lock) is None


def arrays(runs: Sequence[Job], *, shapes: Mapping[RunFolder, Shape], size: int) -> Iterator[tuple[Shape, list[Job]]]:
    """Runs that need the same nodes and devices, at most ``size`` at a time."""
    for shape in dict.fromkeys(shapes[run.folder] for run in runs):
        alike = [run for run in runs if shapes[run.folder] == shape]
        for start in range(0, len(alike), size):
            yield shape, alike[start : start + size]


def job_name(study: Path) -> str:
    """A name that no other job has; squeue finds the job by it."""
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in study.name)
    return f"poolsweep-{plain}-{uuid.uuid4().hex[:8]}"


def _submit(runs: Sequence[Job], *, shape: Shape, study: Path, limits: Limits) -> dict[RunFolder, JobRecord]:
    import submitit
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    name, now = job_name(study), time.time()
    records = {run.folder: JobRecord(name, index, submitted=now) for index, run in enumerate(runs)}
    folder = study / ".slurm" / name
    logs = folder
    if "%" in str(folder.absolute()):  # submitit takes %j in a path for a job's id
        folder = _without_percent(study) / name
    configs = [run.config.content for run in runs]
    hides = any(config != recorded(config) for config in configs)  # a job needs its logins, and nobody else does
    folder.mkdir(parents=True, mode=0o700 if hides else 0o777)
    executor = submitit.SlurmExecutor(folder=folder, python=python_in_shell(limits.python))
    given = parameters(limits, shape, name=name)
    if logs != folder:
        logs.mkdir(parents=True, mode=0o700 if hides else 0o777)
        pattern = f"{logs.absolute()}/".replace("%", "%%") + ("%A_%a" if len(runs) > 1 else "%j")
        given["additional_parameters"]["output"] = f"{pattern}_0_log.out"
        given["srun_args"] += ["--output", f"{pattern}_%t_log.out"]  # srun takes the last one
    executor.update_parameters(**given)
    for run_folder, record in records.items():
        run_folder.result.unlink(missing_ok=True)  # a failure of an earlier attempt
        write_record(run_folder, record)
    try:
        with executor.batch():
            jobs = [executor.submit(RunTask(run.config, run.name)) for run in runs]
    except (FailedJobError, FailedSubmissionError, OSError) as error:
        for run_folder in records:
            run_folder.job.unlink(missing_ok=True)
        raise UserError(f"sbatch refused: {_last_line(error)}") from error
    for run, job in zip(runs, jobs, strict=True):
        records[run.folder] = records[run.folder].with_id(job.job_id, log=logs / f"{job.job_id}_0_log.out")
        write_record(run.folder, records[run.folder])
    return records


def _without_percent(study: Path) -> Path:
    """A folder for submitit's files where no part of the path is a pattern.

    Raises:
        UserError: If the output root is one itself.
    """
    root = study.parent.absolute()
    if "%" in str(root):
        raise UserError(f"hydra/launcher=slurm takes % in the path {root} for a job's id: choose another output_root")
    return root / ".slurm"


def _last_line(error: BaseException) -> str:
    lines = [line for line in str(error).strip().splitlines() if line]
    return lines[-1] if lines else type(error).__name__


def settle(study: Path) -> None:
    """Write down which jobs of a study ended without a result, so that ``retry`` knows of them.

    Args:
        study: Folder of the study; need not exist.
    Raises:
        SlurmUnreachableError: If Slurm doesn't answer.
    """
    if not study.is_dir():
        return
    folders = [RunFolder(path.parent) for path in study.glob("*/job.json")]
    for folder, reason in follow(folders).lost.items():
        record_lost(folder, reason)
