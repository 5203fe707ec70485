"""The trials of one search: which process is at work on which, which are still to be made, and how they ended."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from filelock import FileLock
from optuna.trial import FrozenTrial, TrialState

from poolsweep.files.writing import write_json, write_whole
from poolsweep.metric_names import sign
from poolsweep.runs.lock import RunLock
from poolsweep.runs.optuna_journal import journal_of, open_journal
from poolsweep.sweep.optuna.options import OptunaOptions
from poolsweep.sweep.optuna.space import Axis, short
from poolsweep.terminal.console import Console
from poolsweep.terminal.text import as_cell, number

Direction = Literal["minimize", "maximize"]

_RETRY_OF = "retry_of"
_REASON = "reason"
_WORDS = {
    TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed",
    TrialState.RUNNING: "running", TrialState.WAITING: "waiting",
}  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """A trial that this process is at work on.

    Attributes:
        number: Number of the trial, from 0.
        storage_id: Id in Optuna's storage.
        params: Key → value.
        overrides: Overrides that set the values.
        lock: Lock of the trial, held.
    """

    number: int
    storage_id: int
    params: dict[str, Any]
    overrides: tuple[str, ...]
    lock: RunLock


class Trials:
    """The trials of one search in one study's folder; several processes may work on them.

    A trial that is running belongs to the process that holds its lock. One whose process is gone is taken up again as
    it is, with the same values, hence the same runs. Each process decides under a guard, one at a time.

    Args:
        folder: Folder of the study.
        name: Name of the search: another space in the same folder is another search.
        axes: Axes of the search space.
        options: The keys of ``optuna``.
        direction: maximize or minimize.
    """

    def __init__(
        self, folder: Path, *, name: str, axes: Sequence[Axis], options: OptunaOptions, direction: Direction
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.name = name
        self._axes, self._options = axes, options
        self._locks = folder / ".optuna"
        self._guard = FileLock(folder / ".optuna.lock")
        folder.mkdir(parents=True, exist_ok=True)
        with self._guard:
            self._storage = open_journal(journal_of(folder))
            self._study = optuna.create_study(
                study_name=name,
                storage=self._storage,
                direction=direction,
                sampler=optuna.samplers.RandomSampler(),  # of no account: each trial has one of its own
                load_if_exists=True,
            )

    def all(self) -> list[FrozenTrial]:
        """Every trial, those replaced by a retry left out."""
        trials = self._study.get_trials(deepcopy=False)
        replaced = {t.user_attrs[_RETRY_OF] for t in trials if _RETRY_OF in t.user_attrs}
        return [trial for trial in trials if trial.number not in replaced]

    def retry_failed(self) -> None:
        """Make each failed trial anew, with the same values: its finished runs stand, the others are run again."""
        with self._guard:
            for trial in self.all():
                if trial.state is TrialState.FAIL:
                    self._study.enqueue_trial(trial.params, user_attrs={_RETRY_OF: trial.number})

    def claim(self) -> list[Claim]:
        """Take up to ``trials_at_once`` trials: those that a dead process left first, then new ones up to the total."""
        claims: list[Claim] = []
        with self._guard:
            trials = self.all()
            for trial in trials:
                if trial.state is TrialState.RUNNING and len(claims) < self._options.trials_at_once:
                    claims += self._take(trial.number, trial._trial_id)
            waiting = sum(trial.state is TrialState.WAITING for trial in trials)
            new = waiting + max(0, self._options.trials - len(trials))
            while new > 0 and len(claims) < self._options.trials_at_once:
                asked = self._study.ask()
                claims += self._take(asked.number, asked._trial_id)
                new -= 1
        return claims

    def others_are_at_work(self) -> bool:
        """Whether trials are running that this process has not claimed."""
        return any(trial.state is TrialState.RUNNING for trial in self.all())

    def complete(self, claim: Claim, value: float) -> None:
        """Tell Optuna that the runs of a trial have finished."""
        self._tell(claim, value=value, state=TrialState.COMPLETE)

    def prune(self, claim: Claim, *, reason: str) -> None:
        """The pruner ended a trial, or its values do not go together."""
        self._tell(claim, state=TrialState.PRUNED, reason=reason)

    def fail(self, claim: Claim, *, reason: str) -> None:
        """Tell Optuna that runs of a trial failed; it is made anew when the command is typed again."""
        self._tell(claim, state=TrialState.FAIL, reason=reason)

    @contextmanager
    def held(self, claims: Sequence[Claim]) -> Iterator[None]:
        """Give the claims' locks back in the end, told or not."""
        try:
            yield
        finally:
            for claim in claims:
                claim.lock.release()

    def _take(self, number: int, storage_id: int) -> list[Claim]:
        lock = RunLock(self._locks / f"{self.name}-{number}")
        if not lock.acquire():
            return []
        together = self._options.make_sampler(trial=number, axis=len(self._axes))
        # An object of its own: one that has asked before remembers trials as they were then.
        study = optuna.load_study(study_name=self.name, storage=self._storage, sampler=together)
        trial = optuna.trial.Trial(study, storage_id)
        _ = trial.relative_params  # tpe draws all values together, once it can: now, before another sampler is set
        params = {}
        for place, axis in enumerate(self._axes):
            study.sampler = self._options.make_sampler(trial=number, axis=place)
            params[axis.key] = axis.suggest(trial)
        overrides = tuple(axis.override(params[axis.key]) for axis in self._axes)
        return [Claim(number, storage_id, params, overrides, lock)]

    def _tell(self, claim: Claim, *, state: TrialState, value: float | None = None, reason: str | None = None) -> None:
        claim.lock.check()
        if reason is not None:
            optuna.trial.Trial(self._study, claim.storage_id).set_user_attr(_REASON, reason)
        with self._guard:
            self._study.tell(claim.number, value, state=state, skip_if_finished=True)
        shutil.rmtree(self._locks / f"{self.name}-{claim.number}", ignore_errors=True)


def reason_of(trial: FrozenTrial) -> str:
    """Why a trial was pruned or failed; empty if it was not."""
    return str(trial.user_attrs.get(_REASON, ""))


def write_summary(study: Path, trials: Trials, *, monitor: str, options: OptunaOptions) -> None:
    """Write ``optuna.json`` and ``trials.csv`` into a study's folder."""
    found = trials.all()
    best = _best(found, monitor=monitor)
    summary = {"name": trials.name, "trials": options.trials, "monitor": monitor}
    summary |= Counter(_WORDS[trial.state] for trial in found)
    if best is not None and best.value is not None:
        summary["best"] = {"trial": best.number + 1, "value": best.value, "params": best.params}
    write_json(study / "optuna.json", summary)
    keys = list(dict.fromkeys(key for trial in found for key in trial.params))
    with write_whole(study / "trials.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["trial", "state", monitor, *keys, "validations", "reason"])
        for trial in found:
            value = trial.value if trial.state is TrialState.COMPLETE else None
            params = [trial.params.get(key, "") for key in keys]
            row = [trial.number + 1, _WORDS[trial.state], "" if value is None else value, *params]
            writer.writerow(map(as_cell, [*row, len(trial.intermediate_values), reason_of(trial)]))


def show_summary(study: Path, trials: Trials, *, monitor: str, options: OptunaOptions, console: Console) -> int:
    """Print the best trial and how the others ended; gives the number of those that failed."""
    found = trials.all()
    counts = Counter(_WORDS[trial.state] for trial in found)
    ended = ", ".join(f"{counts[word]} {word}" for word in _WORDS.values() if counts[word])
    console.say(f"{len(found)} of {options.trials} trials: {ended}")
    best = _best(found, monitor=monitor)
    if best is not None and best.value is not None:
        chosen = "  ".join(f"{key}={short(value)}" for key, value in best.params.items())
        console.say(f"best {monitor} {number(best.value, '.4f')} in trial {best.number + 1}: {chosen}")
    console.print(str(study / "trials.csv"), soft_wrap=True)
    return counts["failed"]


def _best(trials: Sequence[FrozenTrial], *, monitor: str) -> FrozenTrial | None:
    """The first of those with the best value."""
    done = [trial for trial in trials if trial.state is TrialState.COMPLETE and trial.value is not None]
    return max(done, key=lambda trial: (sign(monitor) * (trial.value or 0.0), -trial.number), default=None)
