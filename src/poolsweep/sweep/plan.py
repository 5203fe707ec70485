"""The plan of a sweep: composes and checks every combination first, and looks up which runs have finished."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from poolsweep.config import RunConfig, resolve, validate
from poolsweep.config.names import encoder_name
from poolsweep.config.shared import Composed
from poolsweep.errors import UnfitPoolingError, UserError
from poolsweep.launch.launcher import Job
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.plan import Skipped
from poolsweep.runs.record_fields import REPLICATES
from poolsweep.sweep.combination import Combination
from poolsweep.training.job import READ_PARTS, checked, damaged_before, finished_before, folder_of, start_over
from poolsweep.training.sources import forget_data, task_of_data

Unfit = dict[str, UnfitPoolingError | None]  # what configs read → why their pooling cannot be, or None


@dataclass
class SweepPlan:
    """The runs of a sweep, and what is known of them before it begins.

    Attributes:
        jobs: Run folder → its job, in the order of the combinations.
        finished: Runs that have finished.
        not_retried: Runs that failed and are not to be run again.
        notes: Sentences for the user, each said once.
        stops: Whether a failure ends the sweep.
        restarted: Runs that are to be made anew (``retry=all``).
        skipped: Combinations that cannot be.
        possible: Names of the others, without seeds.
    """

    jobs: dict[RunFolder, Job] = field(default_factory=dict)
    finished: set[RunFolder] = field(default_factory=set)
    not_retried: set[RunFolder] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)
    stops: bool = False
    restarted: list[RunFolder] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    possible: set[str] = field(default_factory=set)

    @property
    def study(self) -> Path:
        """Folder of the study."""
        return next(iter(self.jobs)).path.parent

    @property
    def done_before(self) -> str:
        """The end of a sentence about the number of runs: how many need not be run."""
        finished = f", {len(self.finished)} finished before" if self.finished else ""
        failed = f", {len(self.not_retried)} failed before and are not run again (retry=never)"
        return finished + (failed if self.not_retried else "")

    @property
    def remarks(self) -> list[str]:
        """Notes as they are printed before the first run."""
        return [f"note: {note}" for note in (*self.notes, *([skipped_note(self.skipped)] if self.skipped else []))]

    @property
    def missing(self) -> dict[RunFolder, Job]:
        """The runs to make now."""
        done = self.finished | self.not_retried
        return {folder: job for folder, job in self.jobs.items() if folder not in done}

    def add(self, combination: Combination, config: RunConfig, *, known: Unfit) -> None:
        """Look up the run of a config, and check the config unless the run has finished.

        Raises:
            UserError: With every problem of the config.
        """
        before = None if config.retry == "all" else finished_before(config)
        if before is None:
            self.notes |= dict.fromkeys(check_once(config, known))
        folder = folder_of(config)[0] if before is None else before[0]
        self.jobs.setdefault(folder, Job(folder, config, combination.name, combination.overrides))
        self.possible.add(without_replicates(combination.varied))
        if before is not None:
            self.finished.add(folder)
            return
        if config.retry != "all" and (damage := damaged_before(folder)) is not None:
            self.notes[damage] = None
        self.stops = self.stops or config.on_failure == "stop"
        if config.retry == "never" and folder.failed():
            self.not_retried.add(folder)
        elif config.retry == "all":
            self.restarted.append(folder)


def plan_sweep(combinations: Sequence[Combination], *, compose: Callable[[Combination], Composed]) -> SweepPlan:
    """Compose every combination, look up what has been done, and check what has not.

    Args:
        combinations: All of them; those that are the same run are run once.
        compose: Gives the config of a combination.
    Raises:
        UserError: With the problems of all combinations, each once.
    """
    forget_data()
    plan = SweepPlan()
    problems: dict[str, None] = {}
    known: Unfit = {}
    unfit: dict[Combination, UnfitPoolingError] = {}
    found: dict[str, Skipped] = {}
    for combination in combinations:
        try:
            config = resolve(compose(combination), find_task=task_of_data)
            try:
                plan.add(combination, config, known=known)
            except UnfitPoolingError as error:
                unfit[combination] = error
                one = skipped_of(config, combination.varied, error)
                found[one.name] = one
        except UserError as error:
            problems |= dict.fromkeys(error.problems)
    problems |= dict.fromkeys(lost_problems(combinations, unfit))
    if problems:
        raise UserError(*problems)
    plan.skipped += found.values()
    require_one_study(folder.path.parent for folder in plan.jobs)
    for folder in plan.restarted:
        if folder.path.exists():
            start_over(folder)
    return plan


def check_once(config: RunConfig, known: Unfit) -> Sequence[str]:
    """Validate a config, and load what it reads unless a config before it reads the same; gives notes.

    Args:
        config: Config of a run.
        known: What configs before it read; is added to.
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


def lost_problems(combinations: Sequence[Combination], unfit: Mapping[Combination, UnfitPoolingError]) -> list[str]:
    """Why something that was named has no combination that can be: a mistake, where one of several may be skipped.

    Args:
        combinations: All that were asked for.
        unfit: Those that cannot be, with the reason.
    """
    possible = frozenset().union(*(one.asked_for for one in combinations if one not in unfit))
    lost = [error for one, error in unfit.items() if not one.asked_for <= possible]
    return [problem for error in lost for problem in error.problems]


def skipped_of(config: RunConfig, varied: Iterable[str], error: UnfitPoolingError) -> Skipped:
    """The record of a combination that cannot be.

    Args:
        config: Config of the combination.
        varied: Those of its overrides that differ between combinations.
        error: What rules it out.
    """
    name = without_replicates(varied) or config.pooling_name
    return Skipped(name, config.pooling_name, encoder_name(config.encoder), error.problems[0])


def without_replicates(varied: Iterable[str]) -> str:
    """The name of a combination without its seeds."""
    return " ".join(override for override in varied if override.partition("=")[0] not in REPLICATES)


def skipped_note(skipped: Sequence[Skipped]) -> str:
    """A line that names combinations which cannot be, with the reason of the first.

    Example:
        >>> skipped_note([Skipped("pooling=pooler encoder=e", "pooler", "e", "e has no pooler")])
        'skipped, since it cannot be: pooling=pooler encoder=e (e has no pooler)'
    """
    them = "it" if len(skipped) == 1 else "they"
    return f"skipped, since {them} cannot be: {', '.join(one.name for one in skipped)} ({skipped[0].reason})"


def require_one_study(studies: Iterable[Path]) -> None:
    """Refuse a sweep over several studies: plan, leaderboard and verdict are those of one.

    Raises:
        UserError: If ``study`` or ``output_root`` varies.
    """
    found = sorted({str(study) for study in studies})
    if len(found) > 1:
        raise UserError(f"a sweep is one study, got {', '.join(found)}; type one command for each")
