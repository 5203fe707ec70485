"""Composes configs with Hydra and runs them; turns what Hydra refuses into one line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import get_class
from omegaconf import DictConfig

import poolsweep.resolvers  # noqa: F401  --resolve asks for them
from poolsweep.cli.config_tree import config_tree
from poolsweep.cli.quoting import quoted
from poolsweep.cli.refused import flags_last, in_one_line, is_hydras
from poolsweep.conf_dir import conf_dir, own_config_dir
from poolsweep.errors import UserError
from poolsweep.launch.launcher import JobLauncher
from poolsweep.terminal.console import Console
from poolsweep.terminal.progress import said_if_slow
from poolsweep.terminal.text import number, print_problem

if TYPE_CHECKING:
    from poolsweep.config import RunConfig
    from poolsweep.runs.folder import RunFolder
    from poolsweep.training.prepare import Prepared


_TREE = "--print-config"


class FailedBeforeError(Exception):
    """The run failed before and is not to be run again."""


class RunFailedError(Exception):
    """What a part raised in a run; the traceback stands in the run's log."""


def launch(arguments: Sequence[str]) -> int:
    """Run ``poolsweep train``; torch and what stands on it is loaded once Hydra has composed a config.

    Args:
        arguments: Hydra's command line: overrides and flags.
    Raises:
        UserError: For whatever Hydra refuses.
    """
    from poolsweep.process.signals import stop_signals

    tree = _TREE in arguments
    arguments = [argument for argument in arguments if argument != _TREE]
    if tree and {"-m", "--multirun"} & set(arguments):
        raise UserError(f"{_TREE} shows the config of one run, and -m runs a sweep: leave one out")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting
    sys.argv = ["poolsweep train", *(arguments := flags_last(quoted(arguments)))]
    known: list[Exception] = []

    def task(config: DictConfig) -> dict[str, Any] | None:
        try:
            with said_if_slow("loading torch and transformers"):
                from poolsweep.config import resolve
                from poolsweep.distributed.world import given_world
                from poolsweep.training.job import run, run_name
            world = given_world()
            if HydraConfig.get().mode is RunMode.MULTIRUN or (world is not None and world.rank > 0):
                return run(resolve(config), name=run_name(HydraConfig.get().overrides.task), sweeping=True)
            job = _single_run(config, tree=tree)
            with _shown(job):
                result = run(job.config, name=job.name, sweeping=False, prepared=job.prepared)
            _print_result(job, result)
            return result
        except Exception as error:
            if not isinstance(error, (UserError, OSError, *_said())):
                raise
            known.append(error)  # Hydra would print a line of its own about an exception
            return None

    try:
        with warnings.catch_warnings(), stop_signals, own_config_dir(arguments):
            hydra.main(config_path=str(conf_dir()), config_name="train", version_base="1.3")(task)()
        if known:
            raise known[0]
    except UserError:
        raise
    except Exception as error:
        if str(error).startswith("Only one of --run, --multirun"):
            raise UserError(
                "--cfg and --info show the config of one run, and -m runs a sweep: leave one out"
            ) from error
        if is_hydras(error):
            raise UserError(in_one_line(error, arguments)) from error
        if not isinstance(error, _said()):
            raise
        for line in dict.fromkeys(f"poolsweep: {one}" for one in (*known, *getattr(error, "problems", (error,)))):
            print_problem(line)
        return 1
    finally:
        end_workers()
    return 0


def _said() -> tuple[type[Exception], ...]:
    """What ends a command with a line of its own and status 1."""
    from poolsweep.callbacks.best_weights import TrainingDivergedError
    from poolsweep.callbacks.checkpoint import RunTimeoutError
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


def end_workers() -> None:
    """End the workers of the local launcher, and forget that runs are done elsewhere, if either was so."""
    local, device = (sys.modules.get(f"poolsweep.{name}") for name in ("launch.local.launch", "device"))
    if local is not None:
        local.close_pools()
    if device is not None:
        device.runs_elsewhere(None)


@dataclass(frozen=True)
class _Job:
    """A single run that was typed.

    Attributes:
        config: Config of the run.
        name: The overrides, as a person reads them.
        prepared: What it reads; None if it has finished before.
        folder: Folder of the run.
        run_id: Identity of the run.
    """

    config: RunConfig
    name: str
    prepared: Prepared | None
    folder: RunFolder
    run_id: str


def _single_run(config: DictConfig, *, tree: bool) -> _Job:
    """Check what was typed, and say what is to be known before it runs.

    Raises:
        UserError: With every problem.
        FailedBeforeError: If it failed before and is to be left.
    """
    from poolsweep.config import resolve
    from poolsweep.sweep.combination import sweep_options
    from poolsweep.training.job import checked, damaged_before, finished_before, folder_of, run_name, start_over
    from poolsweep.training.sources import forget_data

    _require_launcher_for_one(HydraConfig.get().launcher)
    forget_data()
    sweep_options(config, sweep=str(HydraConfig.get().runtime.choices.get("sweep")))
    found, name = resolve(config), run_name(HydraConfig.get().overrides.task)
    console = Console(stderr=True)
    if tree:
        console.print(config_tree(found.content))
    if found.retry != "all" and (before := finished_before(found)) is not None:
        folder, run_id = before[0], before[0].path.name
        console.say(f"run {run_id} finished before; its result stands")
        return _Job(found, name, None, folder, run_id)
    prepared = checked(found)
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
    return _Job(found, name, prepared, folder, run_id)


def _require_launcher_for_one(launcher: Any) -> None:  # noqa: ANN401
    """Refuse a launcher that has no keys, or that runs nothing but sweeps.

    Raises:
        UserError: If it is such a one.
    """
    if not isinstance(launcher, Mapping | DictConfig):
        raise UserError(f"hydra.launcher={launcher} has no keys; hydra/launcher=NAME chooses a launcher")
    found = get_class(launcher["_target_"])
    if issubclass(found, JobLauncher) and found.needs_sweep:
        raise UserError("a launcher for clusters runs sweeps: poolsweep train -m … (one run is a sweep too)")


@contextmanager
def _shown(job: _Job) -> Iterator[None]:
    """Show how a run goes; what ended it is said in one line if its record says it too."""
    from poolsweep.sweep.display import Display
    from poolsweep.training.failure import in_one_line as said_in_one_line

    if job.prepared is None:
        yield
        return
    try:
        with Display({job.folder: job.run_id}, console=Console(stderr=True)):
            yield
    except (UserError, *_said()):
        raise
    except Exception as error:
        of_a_file = isinstance(error, OSError) and error.filename is not None  # the program says what chose its place
        if os.environ.get("POOLSWEEP_DEBUG") == "1" or of_a_file or not job.folder.failed():
            raise
        raise RunFailedError(f"the run failed: {said_in_one_line(error)}; {job.folder.log} shows where") from error


def _tell_agent(job: _Job, result: dict[str, Any]) -> None:
    """A W&B agent waits for a run of its own, also where there is nothing left to do but to say what came out."""
    from poolsweep.loggers.tracker import close_loggers
    from poolsweep.loggers.wandb import WandbRun
    from poolsweep.training.trainer import build_loggers

    found = build_loggers(job.config, folder=job.folder, run_id=job.run_id)
    loggers = [one for one in found if isinstance(one, WandbRun)]
    for logger in loggers:
        logger.log_metrics(result["metrics"], step=result.get("steps"))
    close_loggers(loggers, result=result)


def _print_result(job: _Job, result: dict[str, Any]) -> None:
    if job.prepared is None and os.environ.get("WANDB_SWEEP_ID"):
        _tell_agent(job, result)
    console = Console()
    for name, value in result["metrics"].items():
        console.print(f"{name:<16} {number(value, '.4f')}")
    for split, share in result["truncated_share"].items():
        if share:
            console.say(f"{100 * share:.1f}% of the {split} texts were cut to data.max_length")
    console.print(str(job.folder.path), soft_wrap=True)
