"""A grid of runs: checks all of them first, skips the finished ones, runs the rest, prints the leaderboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig
from rich.console import Console

from poolsweep.errors import UserError
from poolsweep.quiet import quiet_third_parties
from poolsweep.report.leaderboard import print_leaderboard, write_leaderboard
from poolsweep.run.folder import RunFolder
from poolsweep.run.job import checked, folder_of
from poolsweep.sweep.display import Display


class SweepFailedError(Exception):
    """Some runs of a sweep failed; they were named when they did."""


@dataclass(frozen=True)
class Point:
    """One combination of the swept values.

    Attributes:
        overrides: What Hydra composes its config from.
        name: The overrides that differ between points.
    """

    overrides: tuple[str, ...]
    name: str


def sweep(points: Sequence[Point], *, compose: Callable[[Sequence[str]], DictConfig], launcher: Launcher) -> None:
    """Run a grid.

    Args:
        points: Every combination; those that are the same run are run once.
        compose: Gives the config of some overrides.
        launcher: Hydra's: runs jobs here, in other processes, or on a cluster.
    Raises:
        UserError: If any config is wrong; nothing has run then.
        SweepFailedError: If a run failed.
    """
    quiet_third_parties()
    plan, notes = plan_runs(points, compose=compose)
    study = next(iter(plan)).path.parent
    missing = {folder: point for folder, point in plan.items() if folder.finished() is None}
    console = Console(stderr=True)
    before = f", {len(plan) - len(missing)} finished before" if len(missing) < len(plan) else ""
    console.print(f"{len(plan)} runs in {study}{before}", highlight=False, soft_wrap=True)
    for note in notes:
        console.print(f"note: {note}", highlight=False, soft_wrap=True, markup=False)
    study.mkdir(parents=True, exist_ok=True)
    if missing:
        with Display({folder: point.name for folder, point in missing.items()}, console=console):
            launcher.launch([list(point.overrides) for point in missing.values()], initial_job_idx=0)
    written = write_leaderboard(study)
    print_leaderboard(study, console=Console())
    Console().print(str(written), highlight=False, soft_wrap=True)
    failed = [point for folder, point in plan.items() if folder.finished() is None]
    if failed:
        raise SweepFailedError(f"{len(failed)} of {len(plan)} runs did not finish; type the command again to run them")


def plan_runs(
    points: Sequence[Point], *, compose: Callable[[Sequence[str]], DictConfig]
) -> tuple[dict[RunFolder, Point], list[str]]:
    """Compose and check every point; run folder → point, in the order of the points, and what to tell the user once.

    Raises:
        UserError: With the problems of all points, each once.
    """
    plan: dict[RunFolder, Point] = {}
    problems: dict[str, None] = {}
    notes: dict[str, None] = {}
    for point in points:
        try:
            content, prepared = checked(compose(point.overrides))
        except UserError as error:
            problems |= dict.fromkeys(error.problems)
            continue
        plan.setdefault(folder_of(content)[0], point)
        notes |= dict.fromkeys(prepared.notes)
    if problems:
        raise UserError(*problems)
    return plan, list(notes)
