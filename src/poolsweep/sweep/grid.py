"""``sweep=grid``: runs every combination that has not finished, and prints the leaderboard."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from hydra.plugins.launcher import Launcher

from poolsweep.config.shared import Composed
from poolsweep.errors import UserError
from poolsweep.files.writing import remove_half_written
from poolsweep.launch.launcher import Job, JobLauncher
from poolsweep.loggers.study_run import track_study
from poolsweep.process.owner import is_ours
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.report.terminal import show_study
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.lock import holder
from poolsweep.runs.plan import write_plan, write_skipped
from poolsweep.sweep.combination import Combination
from poolsweep.sweep.display import Display
from poolsweep.sweep.plan import plan_sweep
from poolsweep.terminal.console import Console

_POLL_SECONDS = 0.5


class SweepFailedError(Exception):
    """Some runs of a sweep did not finish.

    Args:
        problems: What kept runs from beginning, and how many there are; those that failed were named when they did.
    """

    def __init__(self, *problems: object) -> None:
        super().__init__(*problems)
        self.problems = tuple(str(one) for each in problems for one in getattr(each, "problems", (each,)))

    def __str__(self) -> str:
        return "; ".join(self.problems)


def sweep(
    combinations: Sequence[Combination], *, compose: Callable[[Combination], Composed], launcher: Launcher
) -> None:
    """Run a grid.

    Args:
        combinations: All of them; those that are the same run are run once.
        compose: Gives the config of a combination.
        launcher: Hydra's launcher, which runs jobs here, in other processes, or on a cluster.
    Raises:
        UserError: If any config is wrong; nothing has run then.
        SweepFailedError: If a run failed.
    """
    quiet_third_parties()
    plan = plan_sweep(combinations, compose=compose)
    study = plan.study
    console = Console(stderr=True)
    remove_half_written(study)
    console.say(f"{len(plan.jobs)} runs in {study}{plan.done_before}")
    for line in plan.remarks:
        console.say(line)
    if not (isinstance(launcher, JobLauncher) and launcher.dry_run):
        write_plan(study, {folder: job.name for folder, job in plan.jobs.items()})
        write_skipped(study, plan.skipped, possible=plan.possible)
    if plan.missing and not _waits(launcher):
        _launch(plan.missing.values(), launcher)
        return
    refused = run_all(plan.missing, launcher=launcher, console=console) if plan.missing else ()
    if os.access(study, os.W_OK):
        show_study(study, console=Console())
        track_study(study, [job.config for job in plan.jobs.values()], console=console)
    if len(plan.finished) == len(plan.jobs):  # their files were read when they were looked up
        return
    require_finished(plan.jobs, not_retried=plan.not_retried, stops=plan.stops, refused=refused)


def require_finished(
    folders: Collection[RunFolder],
    *,
    not_retried: Collection[RunFolder],
    stops: bool = False,
    refused: Iterable[Exception] = (),
) -> None:
    """Say what has not finished, and what would run it.

    Args:
        folders: All runs that were wanted.
        not_retried: Runs that failed before and were not run again.
        stops: Whether a failure ended the sweep.
        refused: What kept runs from beginning.
    Raises:
        SweepFailedError: If there is any.
    """
    unfinished = [folder for folder in folders if folder.finished() is None]
    if not unfinished:
        return
    study = unfinished[0].path.parent
    if not os.access(study, os.W_OK):
        raise SweepFailedError(
            *refused,
            f"{len(unfinished)} of {len(folders)} runs did not finish: {study} cannot be written to (any more)",
        )
    stopped = [folder for folder in unfinished if not folder.failed()] if stops else []
    why = f" ({len(stopped)} not begun, as on_failure=stop asks)" if stopped else ""
    failed_before = all(folder in not_retried for folder in unfinished)
    again = "retry=failed runs them again" if failed_before else "type the command again to run them"
    raise SweepFailedError(*refused, f"{len(unfinished)} of {len(folders)} runs did not finish{why}; {again}")


def run_planned(jobs: Mapping[RunFolder, Job], *, launcher: Launcher, console: Console) -> tuple[Exception, ...]:
    """Add runs to the plan of their study, and run them to their end; gives what kept some from beginning.

    Args:
        jobs: Run folder → job, at least one.
        launcher: Hydra's launcher.
        console: Console that shows progress.
    """
    study = next(iter(jobs)).path.parent
    write_plan(study, {folder: job.name for folder, job in jobs.items()})
    return run_all(jobs, launcher=launcher, console=console)


def run_all(jobs: Mapping[RunFolder, Job], *, launcher: Launcher, console: Console) -> tuple[Exception, ...]:
    """Run them, show their progress, wait for what other processes run, and run what those leave unfinished.

    Returns:
        What kept runs from beginning.

    Raises:
        UserError: If the launcher does not wait.
    """
    require_waiting(launcher)
    refused: dict[str, Exception] = {}
    with Display({folder: job.name for folder, job in jobs.items()}, console=console):
        todo = dict(jobs)
        while todo:
            held = {folder for folder in todo if _run_by_others(folder) is not None}  # whose owner may die meanwhile
            refused |= {str(error): error for error in _launch(todo.values(), launcher)}
            elsewhere = {folder: who for folder in todo if (who := _run_by_others(folder)) is not None}
            todo = {folder: job for folder, job in todo.items() if folder in held or folder in elsewhere}
            if elsewhere:
                owners = sorted({f"process {who.get('pid')} on {who.get('host')}" for who in elsewhere.values()})
                console.say(f"waiting for {len(elsewhere)} runs of {', '.join(owners)}; Ctrl-C leaves them to it")
            while any(_run_by_others(folder) is not None for folder in todo):
                time.sleep(_POLL_SECONDS)
            todo = {f: todo[f] for f in todo if f.finished() is None and not f.failed()}
    return tuple(refused.values())


def _launch(jobs: Iterable[Job], launcher: Launcher) -> Sequence[Exception]:
    if isinstance(launcher, JobLauncher):
        return launcher.run(tuple(jobs))
    launcher.launch([list(job.overrides) for job in jobs], initial_job_idx=0)  # another project's composes each anew
    return ()


def _run_by_others(folder: RunFolder) -> dict[str, Any] | None:
    """The owner of a run's lock, if another sweep's; ours have ended, whatever a lock says that could not go."""
    who = holder(folder.lock)
    return None if who is None or is_ours(who) or folder.finished() is not None else who


def require_waiting(launcher: Launcher) -> None:
    """Refuse a launcher that hands jobs over and returns.

    Raises:
        UserError: If it does.
    """
    if not _waits(launcher):
        raise UserError("this sweep decides by results what to run next, so it must wait: hydra.launcher.wait=true")


def _waits(launcher: Launcher) -> bool:
    return not isinstance(launcher, JobLauncher) or launcher.waits
