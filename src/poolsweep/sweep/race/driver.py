"""Runs a race: rounds of seeds through Hydra's launcher, and a look after each.

What it decides is a function of the results alone: typing the command again, after whatever ended it, comes to the same
looks and goes on where they led.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig

from poolsweep.config import resolve
from poolsweep.errors import UserError, nearest
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.report.terminal import show_study
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.plan import write_plan
from poolsweep.runs.race import write_races
from poolsweep.sweep.display import Display
from poolsweep.sweep.driving import driving
from poolsweep.sweep.grid import Plan, hand_over, plan_runs, require_finished, require_waiting, run_all
from poolsweep.sweep.point import Point
from poolsweep.sweep.race.course import Course
from poolsweep.sweep.race.field import Field, field_of
from poolsweep.sweep.race.options import RaceOptions
from poolsweep.sweep.race.words import say_look, say_saved, say_start
from poolsweep.terminal.console import Console


def race(
    points: Sequence[Point], *, compose: Callable[[Point], DictConfig], launcher: Launcher, options: RaceOptions
) -> None:
    """Run a race.

    Args:
        points: Every combination; those that are the same run are run once.
        compose: Gives the config of a point.
        launcher: Hydra's: runs jobs here, in other processes, or on a cluster.
        options: The keys of ``race``.
    Raises:
        UserError: If any config is wrong; nothing has run then.
        SweepFailedError: If a run failed.
    """
    quiet_third_parties()
    require_waiting(launcher)
    composed: dict[Point, DictConfig] = {}

    def remembered(point: Point) -> DictConfig:
        composed[point] = compose(point)
        return composed[point]

    plan = plan_runs(points, compose=remembered)
    field = field_of(plan.runs, config_of=lambda point: resolve(composed[point]))
    unknown = [name for name in options.keep if name not in field.poolings]
    if unknown:
        raise UserError(*(f"race.keep={name} is not in the race; {nearest(name, field.poolings)}" for name in unknown))
    hand_over(plan, launcher)
    Race(plan, field, launcher=launcher, options=options).run()


class Race:
    """A race under way.

    Args:
        plan: Of the full grid.
        field: Its settings and rounds.
        launcher: Hydra's.
        options: The keys of ``race``.
    """

    def __init__(self, plan: Plan, field: Field, *, launcher: Launcher, options: RaceOptions) -> None:
        self._plan = plan
        self._field = field
        self._launcher = launcher
        self._options = options
        self._course = Course(field, options=options)
        self._begun: dict[RunFolder, None] = {}
        self._study = next(iter(plan.runs)).path.parent
        self._console = Console(stderr=True)

    def run(self) -> None:
        """All rounds, as long as several could be the best; then the leaderboard.

        Raises:
            SweepFailedError: If a run failed.
        """
        say_start(self._plan, self._field, self._options, study=self._study, console=self._console)
        with driving(self._study):
            self._run_rounds()
        show_study(self._study, console=Console())
        say_saved(self._course.records, num_runs=self._field.num_runs, console=Console())
        require_finished(self._begun, left=self._plan.left)

    def _run_rounds(self) -> None:
        self._run_round()
        for done in range(min(self._options.min_seeds, len(self._field.seeds)), len(self._field.seeds)):
            if self._stopped() or not self._look(done):
                break
            self._run_round()

    def _run_round(self) -> None:
        """Every run that is wanted now and was not before, seed by seed, as one batch for the launcher."""
        entrants = self._field.entrants
        places = [(place, e) for place in range(len(self._field.seeds)) for e in entrants]
        wanted = {
            entrant.runs[place]: entrant.points[place]
            for place, entrant in places
            if place in entrant.runs and place in self._course.places(entrant)
        }
        missing = {
            folder: point
            for folder, point in wanted.items()
            if folder not in self._begun and folder not in self._plan.left and folder.finished() is None
        }
        self._begun |= dict.fromkeys(wanted)
        if not missing:
            return
        write_plan(self._study, {folder: point.name for folder, point in missing.items()})
        with Display({folder: point.name for folder, point in missing.items()}, console=self._console):
            run_all(missing, launcher=self._launcher, console=self._console)

    def _look(self, done: int) -> bool:
        going_on = self._course.look(done, say=lambda record: say_look(record, done, console=self._console))
        write_races(self._study, self._course.records)
        return going_on

    def _stopped(self) -> bool:
        return self._plan.stops and any(folder.failed() for folder in self._begun)
