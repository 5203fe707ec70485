"""What the trials have found so far: for people, for ``poolsweep status``, and as a table."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from poolsweep.files.writing import write_json, write_whole
from poolsweep.sweep.optuna.options import OptunaOptions
from poolsweep.sweep.optuna.space import short
from poolsweep.sweep.optuna.trials import Trials, reason_of
from poolsweep.tasks.metric_names import sign
from poolsweep.terminal.console import Console
from poolsweep.terminal.text import as_cell, number

_WORDS = {
    TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed",
    TrialState.RUNNING: "running", TrialState.WAITING: "waiting",
}  # fmt: skip


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
