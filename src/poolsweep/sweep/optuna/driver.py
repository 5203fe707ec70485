"""``sweep=optuna``: asks Optuna for trials, runs each with every seed, and tells it the mean on validation."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from hydra.plugins.launcher import Launcher

from poolsweep.config import RunConfig, resolve
from poolsweep.errors import UnfitPoolingError, UserError
from poolsweep.launch.launcher import Job
from poolsweep.loggers.study_run import track_study
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.report.terminal import show_study
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.plan import planning, write_skipped
from poolsweep.runs.records import known_result
from poolsweep.sweep.grid import SweepFailedError, run_planned
from poolsweep.sweep.optuna.check import Compose, check_space
from poolsweep.sweep.optuna.options import OptunaOptions
from poolsweep.sweep.optuna.space import Space, short
from poolsweep.sweep.optuna.trials import Claim, Direction, Trials, show_summary, write_summary
from poolsweep.sweep.plan import Unfit, check_once, require_one_study, skipped_of
from poolsweep.terminal.console import Console
from poolsweep.training.job import folder_of
from poolsweep.training.sources import task_of_data

_POLL_SECONDS = 0.5


def run_trials(space: Space, *, compose: Compose, launcher: Launcher, options: OptunaOptions) -> None:
    """Run trials up to their number, and print the leaderboard and the best trial.

    Args:
        space: Search space, and the seeds of each trial.
        compose: Gives the config of some overrides beside the fixed ones.
        launcher: Hydra's launcher.
        options: The keys of ``optuna``.
    Raises:
        UserError: If any option is wrong; nothing has run then.
        SweepFailedError: If a trial's runs failed.
    """
    quiet_third_parties()
    console = Console(stderr=True)
    known: Unfit = {}
    space, config = check_space(space, compose=compose, known=known, console=console)
    folder, identity = folder_of(config)
    study = folder.path.parent
    name = _name_of(space, identity, options=options)
    better: Direction = "maximize" if config.mode == "max" else "minimize"
    trials = Trials(study, name=name, axes=space.axes, options=options, direction=better)
    if config.retry == "failed":
        trials.retry_failed()
    console.say(f"optuna: {options.trials} trials in {study} (search {name})")
    runner = _Runner(space, compose, launcher, options, study, name, known, console)
    with planning(study):
        stopped = False
        while not stopped:
            claims = trials.claim()
            if claims:
                with trials.held(claims):
                    failed = runner.run(claims, trials)
                write_summary(study, trials, monitor=config.monitor, options=options)
                stopped = failed and config.on_failure == "stop"
            elif trials.others_are_at_work():
                time.sleep(_POLL_SECONDS)
            else:
                break
    write_summary(study, trials, monitor=config.monitor, options=options)
    show_study(study, console=Console())
    track_study(study, [config], console=console)
    failures = show_summary(study, trials, monitor=config.monitor, options=options, console=Console())
    if failures:
        raise SweepFailedError(f"{failures} of {options.trials} trials did not finish; type the command again")


@dataclass(frozen=True)
class _Runner:
    """Runs the seeds of claimed trials: the first ones, which may be pruned, then those of the trials that were not."""

    space: Space
    compose: Compose
    launcher: Launcher
    options: OptunaOptions
    study: Path
    name: str
    known: Unfit
    console: Console

    def run(self, claims: list[Claim], trials: Trials) -> bool:
        """Run some trials and tell how they went; whether one failed."""
        jobs: dict[int, list[Job]] = {}
        possible = []
        for claim in claims:
            chosen = "  ".join(f"{key}={short(value)}" for key, value in claim.params.items())
            self.console.say(f"trial {claim.number + 1}: {chosen}")
            try:
                jobs[claim.number] = [self._job(claim, place) for place in range(len(self.space.runs_per_trial))]
                possible.append(claim)
            except UserError as error:  # values that do not go together: the sampler learns to avoid them
                trials.prune(claim, reason=str(error))
                self._note_skipped(claim, error)
                self.console.say(f"  cannot be: {error}")
        self._launch([jobs[claim.number][0] for claim in possible])
        not_pruned = [claim for claim in possible if jobs[claim.number][0].folder.finished() is not None]
        self._launch([job for claim in not_pruned for job in jobs[claim.number][1:]])
        failed = [
            _tell(claim, [job.folder for job in jobs[claim.number]], trials) for claim in possible
        ]  # all are told
        return any(failed)

    def _job(self, claim: Claim, place: int) -> Job:
        """The run of one seed; that of the first one asks the pruner after each validation."""
        swept = (*claim.overrides, *self.space.runs_per_trial[place])
        config = resolve(self.compose(swept), find_task=task_of_data)
        check_once(config, self.known)
        folder = folder_of(config)[0]
        require_one_study([self.study, folder.path.parent])
        trial = {"name": self.name, "number": claim.number, "id": claim.storage_id}
        if place == 0 and self.options.pruner != "none":
            trial |= {"pruner": self.options.pruner, "startup": self.options.pruner_startup}
            trial |= {"warmup": self.options.pruner_warmup}
        typed = ", ".join(f"{key}: {value}" for key, value in trial.items())
        overrides = (*self.space.fixed, *swept, f"+trial={{{typed}}}")
        return Job(folder, RunConfig.of({**config.content, "trial": trial}), " ".join(swept), overrides)

    def _note_skipped(self, claim: Claim, error: UserError) -> None:
        if isinstance(error, UnfitPoolingError):
            config = resolve(self.compose((*claim.overrides, *self.space.runs_per_trial[0])), find_task=task_of_data)
            write_skipped(self.study, [skipped_of(config, claim.overrides, error)])

    def _launch(self, jobs: Iterable[Job]) -> None:
        missing = {job.folder: job for job in jobs if job.folder.finished() is None and not _was_pruned(job.folder)}
        if missing:
            for error in run_planned(missing, launcher=self.launcher, console=self.console):
                self.console.say(str(error))


def _tell(claim: Claim, folders: list[RunFolder], trials: Trials) -> bool:
    """Tell how a trial went; whether it failed."""
    results = [known_result(folder.path) for folder in folders]
    finished = [result for result in results if result.get("status") == "finished"]
    if len(finished) == len(results):
        trials.complete(claim, fmean(result["metrics"][result["monitor"]] for result in finished))
        return False
    unfinished = next(result for result in results if result.get("status") != "finished")
    reason = str(unfinished.get("reason", "it did not begin"))
    if unfinished.get("status") == "pruned" or unfinished.get("kind") == "diverged":  # it would do so again
        trials.prune(claim, reason=reason)
        return False
    trials.fail(claim, reason=reason)
    return True


def _was_pruned(folder: RunFolder) -> bool:
    return known_result(folder.path).get("status") == "pruned"


def _name_of(space: Space, identity: str, *, options: OptunaOptions) -> str:
    """What makes two searches the same: all but the number of trials, and how many are made at once."""
    how = (options.sampler, options.seed, options.startup_trials, options.pruner)
    text = repr((space.describe(), space.seeds, identity, how))
    return hashlib.sha256(text.encode()).hexdigest()[:8]
