"""``sweep=race``: runs rounds of seeds through Hydra's launcher, with an interim analysis after each.

Every decision follows from the results alone. Typing the command again, after whatever ended it, comes to the same
decisions and goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hydra.plugins.launcher import Launcher

from poolsweep.config.shared import Composed
from poolsweep.errors import UserError, nearest
from poolsweep.loggers.study_run import track_study
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.report.terminal import show_study
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.plan import planning, write_skipped
from poolsweep.runs.race import write_races
from poolsweep.sweep.combination import Combination
from poolsweep.sweep.grid import require_finished, require_waiting, run_planned
from poolsweep.sweep.plan import SweepPlan, plan_sweep
from poolsweep.sweep.race.messages import say_analysis, say_saved, say_start
from poolsweep.sweep.race.options import RaceOptions, with_metric
from poolsweep.sweep.race.rounds import Rounds
from poolsweep.sweep.race.settings import SeedGrid, seed_grid
from poolsweep.terminal.console import Console


def race(
    combinations: Sequence[Combination],
    *,
    compose: Callable[[Combination], Composed],
    launcher: Launcher,
    options: RaceOptions,
) -> None:
    """Run a race.

    Args:
        combinations: All of them; those that are the same run are run once.
        compose: Gives the config of a combination.
        launcher: Hydra's launcher, which runs jobs here, in other processes, or on a cluster.
        options: The keys of ``race``.
    Raises:
        UserError: If any config is wrong; nothing has run then.
        SweepFailedError: If a run failed.
    """
    quiet_third_parties()
    require_waiting(launcher)
    plan = plan_sweep(combinations, compose=compose)
    grid = seed_grid(plan)
    unknown = [name for name in options.keep if not grid.called(name)]
    if unknown:
        raise UserError(*(f"race.keep={name} is not in the race; {nearest(name, grid.names)}" for name in unknown))
    options = with_metric(options, [job.config for job in plan.jobs.values()])
    Race(plan, grid, launcher=launcher, options=options).run()


class Race:
    """A race under way.

    Args:
        plan: The plan of the full grid.
        grid: The same runs, as settings by seeds.
        launcher: Hydra's launcher.
        options: The keys of ``race``.
    """

    def __init__(self, plan: SweepPlan, grid: SeedGrid, *, launcher: Launcher, options: RaceOptions) -> None:
        self._plan = plan
        self._grid = grid
        self._launcher = launcher
        self._options = options
        self._rounds = Rounds(grid, options=options)
        self._begun: dict[RunFolder, None] = {}
        self._refused: tuple[Exception, ...] = ()
        self._console = Console(stderr=True)

    def run(self) -> None:
        """Run rounds as long as several poolings could be the best; then print the leaderboard.

        Raises:
            SweepFailedError: If a run failed.
        """
        study = self._plan.study
        say_start(self._plan, self._grid, self._options, study=study, console=self._console)
        write_skipped(study, self._plan.skipped, possible=self._plan.possible)
        with planning(study):
            self._run_round()
            for done in range(min(self._options.min_seeds, len(self._grid.seeds)), len(self._grid.seeds)):
                if self._stopped() or not self._analyse(done):
                    break
                self._run_round()
        show_study(study, console=Console())
        track_study(study, [job.config for job in self._plan.jobs.values()], console=self._console)
        say_saved(self._rounds.records, num_runs=self._grid.num_runs, console=Console())
        require_finished(self._begun, not_retried=self._plan.not_retried, refused=self._refused)

    def _run_round(self) -> None:
        """Run what is wanted now and was not before, seed by seed, as one batch for the launcher."""
        wanted = {
            setting.jobs[place].folder: setting.jobs[place]
            for place in range(len(self._grid.seeds))
            for setting in self._grid.settings
            if place in setting.jobs and self._rounds.wants(setting, place)
        }
        missing = {
            folder: job
            for folder, job in wanted.items()
            if folder not in self._begun and folder not in self._plan.not_retried and folder.finished() is None
        }
        self._begun |= dict.fromkeys(wanted)
        if missing:
            self._refused += run_planned(missing, launcher=self._launcher, console=self._console)

    def _analyse(self, done: int) -> bool:
        going_on = self._rounds.analyse(done, say=lambda record: say_analysis(record, done, console=self._console))
        write_races(self._plan.study, self._rounds.records)
        return going_on

    def _stopped(self) -> bool:
        return self._plan.stops and any(folder.failed() for folder in self._begun)
