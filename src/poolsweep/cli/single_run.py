"""One run from the command line: what is said before, while and after it is done, and what ends it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig

from poolsweep.errors import UserError
from poolsweep.terminal.console import Console
from poolsweep.terminal.text import number

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from poolsweep.config import RunConfig
    from poolsweep.runs.folder import RunFolder
    from poolsweep.training.prepare import Prepared


class FailedBeforeError(Exception):
    """The run failed before and is not to be run again."""


class RunFailedError(Exception):
    """What a part raised in a run; the traceback stands in the run's log."""


@dataclass(frozen=True)
class SingleRun:
    """A run that is to be done.

    Attributes:
        config: Config of the run.
        name: What a person calls it.
        prepared: What it reads; None if it has finished before.
        folder: Folder of the run.
        run_id: Identity of the run.
    """

    config: RunConfig
    name: str
    prepared: Prepared | None
    folder: RunFolder
    run_id: str


def run_once(config: RunConfig, *, name: str, require: Callable[[Prepared], None] | None = None) -> dict[str, Any]:
    """Do one run and print what came out; a run that has finished before is left as it is.

    Args:
        config: Config of the run.
        name: What a person calls it.
        require: Raises if the run is not to begin, once its data are read.
    Raises:
        UserError: With every problem of config and files.
        Exception: One of ``said``, or a bug.
    """
    from poolsweep.training.job import run

    job = checked_run(config, name=name, require=require)
    with shown(job):
        result = run(job.config, name=job.name, sweeping=False, prepared=job.prepared)
    print_result(job, result)
    return result


def said() -> tuple[type[Exception], ...]:
    """What ends a command with a line of its own and status 1."""
    from poolsweep.errors import RunTimeoutError, TrainingDivergedError
    from poolsweep.runs.lock import LockLostError
    from poolsweep.sweep.grid import SweepFailedError
    from poolsweep.training.failure import DiskFullError
    from poolsweep.training.job import RunsElsewhereError
    from poolsweep.training.oom import BatchTooLargeError
    from poolsweep.training.rank_failures import RankFailedError

    return (
        TrainingDivergedError, RunTimeoutError, DiskFullError, RunsElsewhereError, FailedBeforeError, RunFailedError,
        RankFailedError, BatchTooLargeError, SweepFailedError, LockLostError,
    )  # fmt: skip


def run_composed(config: DictConfig) -> dict[str, Any]:
    """Run one job whose config Hydra composed: for launchers of other projects, and further processes of a run.

    Args:
        config: Hydra's, in the process that runs it.
    """
    from poolsweep.config import resolve
    from poolsweep.training.job import run, run_name
    from poolsweep.training.sources import task_of_data

    return run(resolve(config, find_task=task_of_data), name=run_name(HydraConfig.get().overrides.task), sweeping=True)


def end_workers() -> None:
    """End the workers of the local launcher, and forget that runs are done elsewhere, if either was so."""
    local, device = (sys.modules.get(f"poolsweep.{name}") for name in ("launch.local.launch", "device"))
    if local is not None:
        local.close_pools()
    if device is not None:
        device.runs_elsewhere(None)


def checked_run(found: RunConfig, *, name: str, require: Callable[[Prepared], None] | None = None) -> SingleRun:
    """Check a config, and say what is to be known before it runs.

    Args:
        found: Config of the run.
        name: What a person calls it.
        require: Raises if the run is not to begin, once its data are read.
    Raises:
        UserError: With every problem.
        FailedBeforeError: If it failed before and is to be left.
    """
    from poolsweep.training.job import checked, damaged_before, finished_before, folder_of, start_over
    from poolsweep.training.sources import forget_data

    forget_data()
    console = Console(stderr=True)
    if found.retry != "all" and (before := finished_before(found)) is not None:
        folder, run_id = before[0], before[0].path.name
        console.say(f"run {run_id} finished before; its result stands")
        return SingleRun(found, name, None, folder, run_id)
    prepared = checked(found)
    if require is not None:
        require(prepared)
    folder, run_id = folder_of(found, prepared.splits)
    if folder.failed() and found.retry == "never":
        raise FailedBeforeError(f"run {run_id} failed before; retry=failed runs it again")
    notes = prepared.notes
    if found.retry == "all":
        start_over(folder)
    elif (damage := damaged_before(folder)) is not None:
        notes = (*notes, damage)
    for note in notes:
        console.say(f"note: {note}")
    return SingleRun(found, name, prepared, folder, run_id)


@contextmanager
def shown(job: SingleRun) -> Iterator[None]:
    """Show how a run goes; what ended it is said in one line if its record says it too."""
    from poolsweep.sweep.display import Display
    from poolsweep.training.failure import in_one_line as said_in_one_line

    if job.prepared is None:
        yield
        return
    try:
        with Display({job.folder: job.run_id}, console=Console(stderr=True)):
            yield
    except (UserError, *said()):
        raise
    except Exception as error:
        of_a_file = isinstance(error, OSError) and error.filename is not None  # the program says what chose its place
        if os.environ.get("POOLSWEEP_DEBUG") == "1" or of_a_file or not job.folder.failed():
            raise
        raise RunFailedError(f"the run failed: {said_in_one_line(error)}; {job.folder.log} shows where") from error


def _tell_agent(job: SingleRun, result: dict[str, Any]) -> None:
    """A W&B agent waits for a run of its own, also where there is nothing left to do but to say what came out."""
    from poolsweep.loggers.tracker import close_loggers
    from poolsweep.loggers.wandb import WandbRun
    from poolsweep.training.loggers import build_loggers

    found = build_loggers(job.config, folder=job.folder, run_id=job.run_id)
    loggers = [one for one in found if isinstance(one, WandbRun)]
    for logger in loggers:
        logger.log_metrics(result["metrics"], step=result.get("steps"))
    close_loggers(loggers, result=result)


def print_result(job: SingleRun, result: dict[str, Any]) -> None:
    """Print what came out of a run.

    Args:
        job: The run.
        result: Content of its ``result.json``.
    """
    if job.prepared is None and os.environ.get("WANDB_SWEEP_ID"):
        _tell_agent(job, result)
    console = Console()
    for name, value in result["metrics"].items():
        console.print(f"{name:<16} {number(value, '.4f')}")
    for split, share in result["truncated_share"].items():
        if share:
            console.say(f"{100 * share:.1f}% of the {split} texts were cut to data.max_length")
    for split, windows in result.get("windows", {}).items():
        console.say(f"{windows:.1f} windows of data.max_length a {split} text")
    console.print(str(job.folder.path), soft_wrap=True)
