"""A grid of runs: checks all of them first, skips the finished ones, runs the rest, prints the leaderboard."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig

from poolsweep.config import RunConfig, resolve, validate
from poolsweep.errors import UnfitPoolingError, UserError
from poolsweep.files.writing import remove_half_written
from poolsweep.process.owner import is_ours
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.report.terminal import show_study
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.lock import holder
from poolsweep.runs.plan import write_plan
from poolsweep.sweep.display import Display
from poolsweep.sweep.patterns import left_out
from poolsweep.sweep.point import Point
from poolsweep.terminal.console import Console
from poolsweep.training.job import READ_PARTS, checked, damaged_before, finished_before, folder_of, start_over
from poolsweep.training.sources import forget_data

_POLL_SECONDS = 0.5


class SweepFailedError(Exception):
    """Some runs of a sweep failed; they were named when they did."""


@dataclass
class Plan:
    """What a sweep is to do.

    Attributes:
        runs: Run folder → point, all of them, in the order of the points.
        finished: Those that have finished.
        left: Those that failed and are not to be run again.
        configs: Of those that have not finished.
        notes: What to tell the user once.
        split_seeds: Seeds by which the data are split.
        stops: Whether a failure ends the sweep.
    """

    runs: dict[RunFolder, Point] = field(default_factory=dict)
    finished: set[RunFolder] = field(default_factory=set)
    left: set[RunFolder] = field(default_factory=set)
    configs: dict[RunFolder, RunConfig] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    split_seeds: set[Any] = field(default_factory=set)
    stops: bool = False

    @property
    def remarks(self) -> list[str]:
        """Notes and cautions as they are printed before the first run."""
        return [*(f"note: {note}" for note in self.notes), *split_caution(self.split_seeds)]

    @property
    def missing(self) -> dict[RunFolder, Point]:
        """Those to run now."""
        return {f: point for f, point in self.runs.items() if f not in self.finished and f not in self.left}


def sweep(points: Sequence[Point], *, compose: Callable[[Point], DictConfig], launcher: Launcher) -> None:
    """Run a grid.

    Args:
        points: Every combination; those that are the same run are run once.
        compose: Gives the config of a point.
        launcher: Hydra's: runs jobs here, in other processes, or on a cluster.
    Raises:
        UserError: If any config is wrong; nothing has run then.
        SweepFailedError: If a run failed.
    """
    quiet_third_parties()
    plan = plan_runs(points, compose=compose)
    study = next(iter(plan.runs)).path.parent
    console = Console(stderr=True)
    remove_half_written(study)
    before = f", {len(plan.finished)} finished before" if plan.finished else ""
    before += f", {len(plan.left)} failed before and left (retry=never)" if plan.left else ""
    console.say(f"{len(plan.runs)} runs in {study}{before}")
    for line in plan.remarks:
        console.say(line)
    hand_over(plan, launcher)
    missing = plan.missing
    if not getattr(launcher, "dry_run", False):
        write_plan(study, {folder: point.name for folder, point in plan.runs.items()})
    if missing and (getattr(launcher, "detached", False) or getattr(launcher, "dry_run", False)):
        launcher.launch([list(point.overrides) for point in missing.values()], initial_job_idx=0)
        return
    if missing:
        with Display({folder: point.name for folder, point in missing.items()}, console=console):
            run_all(missing, launcher=launcher, console=console)
    if os.access(study, os.W_OK):
        show_study(study, console=Console())
    require_finished(plan.runs, left=plan.left, stops=plan.stops)


def require_finished(folders: Collection[RunFolder], *, left: Collection[RunFolder], stops: bool = False) -> None:
    """Say what has not finished, and what would run it.

    Args:
        folders: All that were wanted.
        left: Those that failed before and were not run again.
        stops: Whether a failure ended the sweep.
    Raises:
        SweepFailedError: If there is any.
    """
    unfinished = [folder for folder in folders if folder.finished() is None]
    if not unfinished:
        return
    study = unfinished[0].path.parent
    if not os.access(study, os.W_OK):
        raise SweepFailedError(
            f"{len(unfinished)} of {len(folders)} runs did not finish: {study} cannot be written to (any more)"
        )
    stopped = [folder for folder in unfinished if not folder.failed()] if stops else []
    why = f" ({len(stopped)} not begun, as on_failure=stop asks)" if stopped else ""
    is_left = all(folder in left for folder in unfinished)
    again = "retry=failed runs them again" if is_left else "type the command again to run them"
    raise SweepFailedError(f"{len(unfinished)} of {len(folders)} runs did not finish{why}; {again}")


def hand_over(plan: Plan, launcher: Launcher) -> None:
    """Give a launcher of ours what is composed already: composing a thousand points again takes a minute."""
    if hasattr(launcher, "configs"):
        configs = {plan.runs[folder].overrides: config for folder, config in plan.configs.items()}
        launcher.configs = configs  # type: ignore[attr-defined]


def run_all(missing: Mapping[RunFolder, Point], *, launcher: Launcher, console: Console) -> None:
    """Run what is missing; wait for what other processes are running, and run what they leave unfinished.

    Raises:
        UserError: If the launcher is not to wait, and whoever asks goes on from the results.
    """
    require_waiting(launcher)
    todo = dict(missing)
    while todo:
        launcher.launch([list(point.overrides) for point in todo.values()], initial_job_idx=0)
        elsewhere = {folder: who for folder in todo if (who := _at_work_on(folder)) is not None}
        todo = {folder: todo[folder] for folder in elsewhere}
        if elsewhere:
            owners = sorted({f"process {who.get('pid')} on {who.get('host')}" for who in elsewhere.values()})
            console.say(f"waiting for {len(elsewhere)} runs of {', '.join(owners)}; Ctrl-C leaves them to it")
        while any(_at_work_on(folder) is not None for folder in todo):
            time.sleep(_POLL_SECONDS)
        todo = {f: point for f, point in todo.items() if f.finished() is None and not f.failed()}


def _at_work_on(folder: RunFolder) -> dict[str, Any] | None:
    """Who else is at work on a run; what this sweep has launched has ended, whatever a lock says that could not go."""
    who = holder(folder.lock)
    return None if who is None or is_ours(who) or folder.finished() is not None else who


def require_waiting(launcher: Launcher) -> None:
    """Refuse a launcher that hands jobs over and returns.

    Raises:
        UserError: If it does.
    """
    if getattr(launcher, "detached", False) or getattr(launcher, "dry_run", False):
        raise UserError("this sweep decides by results what to run next, so it must wait: hydra.launcher.wait=true")


def plan_runs(points: Sequence[Point], *, compose: Callable[[Point], DictConfig]) -> Plan:
    """Compose every point, look up what has been done, and check what has not.

    Raises:
        UserError: With the problems of all points, each once.
    """
    forget_data()
    plan = Plan()
    problems: dict[str, None] = {}
    again: list[RunFolder] = []
    known: dict[str, UnfitPoolingError | None] = {}
    unfit: dict[Point, UnfitPoolingError] = {}
    for point in points:
        try:
            config = resolve(compose(point))
            plan.split_seeds.add(config.data.get("split_seed"))
            before = None if config.retry == "all" else finished_before(config)
            if before is not None:
                plan.runs.setdefault(before[0], point)
                plan.finished.add(before[0])
                continue
            plan.notes |= dict.fromkeys(check_once(config, known))
        except UserError as error:
            if isinstance(error, UnfitPoolingError) and point.matched:
                unfit[point] = error
            else:
                problems |= dict.fromkeys(error.problems)
            continue
        folder, _ = folder_of(config)
        if config.retry != "all" and (damage := damaged_before(folder)) is not None:
            plan.notes[damage] = None
        if plan.runs.setdefault(folder, point) is point:
            plan.configs[folder] = config
        plan.stops = plan.stops or config.on_failure == "stop"
        if config.retry == "never" and folder.failed():
            plan.left.add(folder)
        elif config.retry == "all":
            again.append(folder)
    if problems:
        raise UserError(*problems)
    plan.notes |= dict.fromkeys(left_out(points, unfit))
    require_one_study(folder.path.parent for folder in plan.runs)
    for folder in again:
        if folder.path.exists():
            start_over(folder)
    return plan


def split_caution(seeds: Collection[Any]) -> list[str]:
    """What a user must know who sweeps ``data.split_seed``, before a run is made; nothing where it is one.

    Example:
        >>> split_caution({0}), split_caution({1, 0})[0][:56]
        ([], 'caution: data.split_seed is swept (0, 1): splits are rep')
    """
    if len(seeds) < 2:
        return []
    listed = ", ".join(map(str, sorted(seeds, key=str)))
    return [
        f"caution: data.split_seed is swept ({listed}): splits are replicates. Each pooling counts with its mean over "
        "them, without an interval and without a verdict; for these, keep one split and sweep seed=0,1,2."
    ]


def require_one_study(studies: Iterable[Path]) -> None:
    """Refuse a sweep over several studies: plan, leaderboard and verdict are those of one.

    Raises:
        UserError: If ``study`` or ``output_root`` varies.
    """
    found = sorted({str(study) for study in studies})
    if len(found) > 1:
        raise UserError(f"a sweep is one study, got {', '.join(found)}; type one command for each")


def check_once(config: RunConfig, known: dict[str, UnfitPoolingError | None]) -> Sequence[str]:
    """Validate a config, and load what it reads unless a point before it reads the same; gives notes.

    Args:
        config: A run's.
        known: What points before it read, with the reason where their pooling cannot be.
    Raises:
        UserError: With every problem.
    """
    reads = {key: config.content[key] for key in READ_PARTS}
    reads["probe"] = config.trainer.plain() if config.is_probe else None  # which asks more of the pooling
    key = json.dumps(reads, sort_keys=True, default=str)
    if key in known:
        validate(config)
        if (error := known[key]) is not None:
            raise error
        return ()
    try:
        notes = checked(config).notes
    except UnfitPoolingError as error:
        known[key] = error
        raise
    known[key] = None
    return notes
