"""Messages of a race: its size, what each interim analysis found, and the runs that were saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from poolsweep.report.contender_key import ContenderKey, TrainingRows, contender_names
from poolsweep.report.metric import METRICS, points, shown
from poolsweep.runs.race import Dropped, RaceRecord
from poolsweep.sweep.plan import SweepPlan
from poolsweep.sweep.race.options import RaceOptions
from poolsweep.sweep.race.settings import SeedGrid
from poolsweep.terminal.console import Console


def say_start(plan: SweepPlan, grid: SeedGrid, options: RaceOptions, *, study: Path, console: Console) -> None:
    """Say how large the race is."""
    seeds = len(grid.seeds)
    console.say(
        f"race of {_count(len(grid.settings), 'setting')} over {_count(seeds, 'seed')} in {study}: at most "
        f"{_count(grid.num_runs, 'run')}{plan.done_before}"
    )
    for line in plan.remarks:
        console.say(line)
    if seeds <= options.min_seeds:
        console.say(
            f"note: with {_count(seeds, 'seed')} and race.min_seeds={options.min_seeds} there is no interim "
            "analysis before the end: every run is made, as with sweep=grid"
        )


def say_analysis(record: RaceRecord, done: int, *, console: Console) -> None:
    """Say which settings an interim analysis dropped, and how many contenders go on."""
    now = [one for one in record.dropped if one.seeds == done]
    names = contender_names([ContenderKey(*key) for key in (*record.left, *(one.key for one in record.dropped))])
    rows = f", {record.rows}" if record.rows != str(TrainingRows()) else ""
    where = f"{record.data}{rows}, {_count(done, 'seed')}"
    for one in now:
        console.say(f"{where}: {one.name} is dropped: {_behind(one, record)}")
    if len(record.left) == 1:
        console.say(f"{where}: {names[ContenderKey(*record.left[0])]} alone is left, so the race ends")
    else:
        console.say(f"{where}: {_count(len(record.left), 'contender')} could still be the best and go on")


def say_saved(records: Sequence[RaceRecord], *, num_runs: int, console: Console) -> None:
    """Name the runs that were not made."""
    saved = sum(record.num_saved for record in records)
    if not saved:
        decided = any(record.dropped for record in records)
        why = "those it would leave out had been run before" if decided else "no pooling could be dropped"
        console.say(f"The race saved none of {_count(num_runs, 'run')}: {why}.")
        return
    share = f"{saved} of {num_runs} runs ({100 * saved / num_runs:.0f}%)"
    console.say(f"The race saved {share}; race.json has the reasons. Not run:")
    for record in records:
        for one in record.dropped:
            if one.saved:
                console.say(f"  {', '.join(one.saved)}")
        if record.saved:
            console.say(f"  {', '.join(record.saved)}")


def _behind(one: Dropped, record: RaceRecord) -> str:
    distance = f"{shown(-one.gap, record.metric)}{points(record.metric)}"
    distance += f" of validation {METRICS[record.metric].title} behind {one.behind}"
    chance = "p < 0.0001" if one.p_value < 1e-4 else f"p = {one.p_value:.4f}"
    return f"{distance} ({chance})"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"
