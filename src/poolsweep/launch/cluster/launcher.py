"""What ``hydra/launcher=slurm`` does with the runs of a sweep."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig

from poolsweep.device import runs_elsewhere
from poolsweep.errors import UserError
from poolsweep.launch.cluster.limits import Limits
from poolsweep.launch.cluster.script import scripts
from poolsweep.launch.cluster.slurm import SlurmUnreachableError
from poolsweep.launch.cluster.submit import Submission, settle, submit_missing
from poolsweep.launch.cluster.watch import wait_for
from poolsweep.launch.launcher import Job
from poolsweep.process.signals import Interrupted
from poolsweep.runs.locate import argument_for
from poolsweep.runs.secrets import redacted
from poolsweep.terminal.console import Console
from poolsweep.training.job import run_name


def plan_on_login_node(config: DictConfig, limits: Limits, *, dry_run: bool) -> None:
    """Before a sweep is planned: what devices its runs will find, and which earlier jobs came to nothing.

    Args:
        config: Hydra's.
        limits: Limits of each job.
        dry_run: Write nothing, and ask Slurm nothing.
    Raises:
        UserError: If Slurm doesn't answer.
    """
    runs_elsewhere(limits.accelerator)
    if limits.accelerator == "cpu" and "gpu" in str(limits.partition).lower():
        Console(stderr=True).say(
            f"note: hydra.launcher.partition={limits.partition}, and hydra.launcher.gpus=0 asks for no GPU there; "
            "hydra.launcher.gpus=auto asks for one per device"
        )
    if dry_run:
        if config.retry == "all":
            raise UserError("retry=all forgets what has finished, and a dry run changes nothing: leave one of them out")
        return
    lacking = [command for command in ("sbatch", "srun", "squeue") if shutil.which(command) is None]
    if lacking:
        raise UserError(
            f"hydra/launcher=slurm needs Slurm's commands, and there is no {' or '.join(lacking)} here: type it on a "
            "login node, take hydra/launcher=local, or print the scripts with poolsweep submit … --dry-run"
        )
    try:
        settle(Path(str(config.output_root)) / str(config.study))
    except SlurmUnreachableError as error:
        raise UserError(str(error)) from error


def for_elsewhere(jobs: Sequence[Job]) -> list[Job]:
    """Jobs for another machine: on the type of device that it has, by a name, and without the launcher's overrides."""
    found = []
    for job in jobs:
        overrides = tuple(override for override in job.overrides if not override.startswith("hydra"))
        config = job.config.on(job.config.accelerator)
        found.append(replace(job, config=config, name=redacted(job.name) or run_name(overrides), overrides=overrides))
    return found


def launch(runs: Sequence[Job], *, limits: Limits, wait: bool, poll_seconds: float) -> None:
    """Submit what is missing and, with ``wait``, follow it to its end.

    Args:
        runs: Runs of one study.
        limits: Limits of each job.
        wait: Whether to stay until every run has ended.
        poll_seconds: Between two questions to Slurm.
    Raises:
        UserError: If sbatch refuses, or Slurm doesn't answer.
    """
    console = Console(stderr=True)
    study = runs[0].folder.path.parent
    try:
        submission = submit_missing(runs, study=study, limits=limits)
    except SlurmUnreachableError as error:
        raise UserError(f"nothing is submitted, since it is unknown which jobs there are: {error}") from error
    _say(submission, study=study, console=console)
    if wait:
        try:
            wait_for([*submission.submitted, *submission.left], poll_seconds=poll_seconds, console=console)
        except (KeyboardInterrupt, Interrupted):
            console.say("jobs go on without this process; poolsweep status shows them")
            raise


def print_scripts(runs: Sequence[Job], *, limits: Limits, flags: Sequence[str] = ()) -> None:
    """Print what sbatch would be given, with flags for each run's command, and submit nothing."""
    for script in scripts(runs, study=runs[0].folder.path.parent, limits=limits, flags=flags):
        print(script)


def _say(submission: Submission, *, study: Path, console: Console) -> None:
    arrays = _arrays(record.job_id for record in submission.submitted.values())
    lines = []
    if submission.left:
        lines.append(f"{len(submission.left)} runs have a job already, which is left to them")
    if submission.submitted:
        jobs = f"{len(arrays)} arrays" if len(arrays) > 1 else "job"
        lines.append(f"submitted {len(submission.submitted)} runs as Slurm {jobs} {' '.join(arrays)}")
    ids = [*arrays, *_arrays(job.job_id for job in submission.left.values())]
    for line in lines:
        console.say(line)
    command = f"watch: poolsweep status {argument_for(study)}   end: scancel {' '.join(ids)}"
    console.print(command, soft_wrap=True)


def _arrays(job_ids: Iterable[str | None]) -> list[str]:
    return sorted({job_id.partition("_")[0] for job_id in job_ids if job_id}, key=int)
