"""Runs a race: rounds of seeds through Hydra's launcher, and a look after each.

What it decides is a function of the results alone: typing the command again, after whatever ended it, comes to the same
looks and goes on where they led.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig
from rich.console import Console

from poolsweep.config import resolve
from poolsweep.errors import UserError, nearest
from poolsweep.quiet import quiet_third_parties
from poolsweep.report.terminal import show_study
from poolsweep.run.folder import RunFolder
from poolsweep.run.job import failed_before
from poolsweep.sweep.display import Display
from poolsweep.sweep.grid import Plan, Point, SweepFailedError, plan_runs, require_waiting, run_all
from poolsweep.sweep.plan import write_plan
from poolsweep.sweep.race.field import Entrant, Field, field_of
from poolsweep.sweep.race.look import look
from poolsweep.sweep.race.options import RaceOptions
from poolsweep.sweep.race.record import Dropped, RaceRecord, write_races
from poolsweep.sweep.race.rule import look_level
from poolsweep.sweep.race.words import say_look, say_saved, say_start


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
    field = field_of(plan.runs, content=lambda point: resolve(composed[point]))
    unknown = [name for name in options.keep if name not in field.poolings]
    if unknown:
        raise UserError(*(f"race.keep={name} is not in the race; {nearest(name, field.poolings)}" for name in unknown))
    if hasattr(launcher, "compose"):  # as in a grid: ours composes once what Hydra composes for every point
        known = {point.overrides: point for point in plan.runs.values()}
        launcher.compose = lambda given: compose(known[tuple(given)])  # type: ignore[attr-defined]
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
        self._racing = list(field.entrants)
        self._begun: dict[RunFolder, None] = {}
        self._records: dict[tuple[str, str], RaceRecord] = {}
        self._study = next(iter(plan.runs)).path.parent
        self._console = Console(stderr=True)

    def run(self) -> None:
        """All rounds, as long as more than one pooling is left; then the leaderboard.

        Raises:
            SweepFailedError: If a run failed.
        """
        say_start(self._plan, self._field, self._options, study=self._study, console=self._console)
        first, total = min(self._options.min_seeds, len(self._field.seeds)), len(self._field.seeds)
        self._run_round(range(first))
        for done in range(first, total):
            if self._stopped() or not self._racing:
                break
            self._look(done)
            self._run_round(range(done, done + 1))
        show_study(self._study, console=Console())
        say_saved(list(self._records.values()), num_runs=self._field.num_runs, console=Console())
        self._raise_if_unfinished()

    def _run_round(self, places: range) -> None:
        """Every run of some rounds that is still wanted, seed by seed, as one batch for the launcher."""
        wanted = {e.runs[p]: e.points[p] for p in places for e in self._racing if p in e.runs}
        self._begun |= dict.fromkeys(wanted)
        missing = {f: p for f, p in wanted.items() if f not in self._plan.left and f.finished() is None}
        if not missing:
            return
        write_plan(self._study, {folder: point.name for folder, point in missing.items()})
        with Display({folder: point.name for folder, point in missing.items()}, console=self._console):
            run_all(missing, launcher=self._launcher, console=self._console)

    def _look(self, done: int) -> None:
        """Drop what cannot be the best after ``done`` rounds, and stop where one pooling is left."""
        number = done - self._options.min_seeds + 1
        groups: dict[tuple[str, str] | None, list[Entrant]] = defaultdict(list)
        for entrant in self._racing:
            groups[entrant.group].append(entrant)
        for group, entrants in groups.items():
            if group is None:  # none of their runs has finished
                continue
            record = self._records.setdefault(group, self._new_record(group))
            level = look_level(number, level=self._options.level)
            out = look(entrants, rounds=done, metric=self._options.metric, level=level)
            for entrant, why in out.items():
                if entrant.pooling not in self._options.keep:
                    self._racing.remove(entrant)
                    record.dropped.append(
                        Dropped(
                            entrant.pooling, entrant.name, done, why.behind, round(why.gap, 6), round(why.p_value, 6),
                            tuple(entrant.runs[place].path.name for place in range(done) if place in entrant.runs),
                            self._left_undone(entrant, done),
                        )
                    )  # fmt: skip
            self._settle(record, [entrant for entrant in entrants if entrant in self._racing], done)
            say_look(record, done, console=self._console)
        write_races(self._study, list(self._records.values()))

    def _settle(self, record: RaceRecord, left: Sequence[Entrant], done: int) -> None:
        record.left = tuple(dict.fromkeys(entrant.pooling for entrant in left))
        if len(record.left) == 1 and record.out:
            record.settled = True
            record.saved = tuple(name for entrant in left for name in self._left_undone(entrant, done))
            for entrant in left:
                self._racing.remove(entrant)

    def _left_undone(self, entrant: Entrant, done: int) -> tuple[str, ...]:
        """The runs of an entrant that need not be made any more, in words."""
        return tuple(
            point.name
            for place, point in sorted(entrant.points.items())
            if place >= done and entrant.runs[place].finished() is None
        )

    def _new_record(self, group: tuple[str, str]) -> RaceRecord:
        return RaceRecord(*group, self._options.metric, self._options.level, self._field.seeds)

    def _stopped(self) -> bool:
        return self._plan.stops and any(failed_before(folder) for folder in self._begun)

    def _raise_if_unfinished(self) -> None:
        unfinished = [folder for folder in self._begun if folder.finished() is None]
        if unfinished:
            raise SweepFailedError(
                f"{len(unfinished)} of {len(self._begun)} runs did not finish; type the command again to run them"
            )
