"""What a race says while it runs, and of what it saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from poolsweep.report.metric import METRICS
from poolsweep.runs.race import Dropped, RaceRecord
from poolsweep.sweep.grid import Plan
from poolsweep.sweep.race.field import Field
from poolsweep.sweep.race.options import RaceOptions
from poolsweep.terminal.console import Console


def say_start(plan: Plan, field: Field, options: RaceOptions, *, study: Path, console: Console) -> None:
    """How large the race is, and by what it drops."""
    before = f", {len(plan.finished)} finished before" if plan.finished else ""
    before += f", {len(plan.left)} failed before and left (retry=never)" if plan.left else ""
    seeds = len(field.seeds)
    console.say(
        f"race of {_count(len(field.entrants), 'setting')} over {_count(seeds, 'seed')} in {study}: at most "
        f"{_count(field.num_runs, 'run')}{before}"
    )
    for line in plan.remarks:
        console.say(line)
    if seeds <= options.min_seeds:
        console.say(
            f"note: with {_count(seeds, 'seed')} and race.min_seeds={options.min_seeds} there is no look before the "
            "end: every run is made, as sweep=grid would"
        )


def say_look(record: RaceRecord, done: int, *, console: Console) -> None:
    """Who was dropped at a look, and how many go on."""
    now = [one for one in record.dropped if one.seeds == done]
    where = f"{record.data} · {record.encoder}, {_count(done, 'seed')}"
    for one in now:
        console.say(f"{where}: {one.name} is out, {_behind(one, record)}")
    if len(record.left) == 1:
        console.say(f"{where}: {record.left[0]} alone is left, which settles it")
    else:
        console.say(f"{where}: {_count(len(record.left), 'pooling')} could still be the best and go on")


def say_saved(records: Sequence[RaceRecord], *, num_runs: int, console: Console) -> None:
    """The runs that were not made, by name."""
    saved = sum(record.num_saved for record in records)
    if not saved:
        decided = any(record.dropped for record in records)
        why = "what it leaves out had been run before" if decided else "every pooling could be the best to the end"
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
    points = f"{-100 * one.gap:.2f} points of validation {METRICS[record.metric]} behind {one.behind}"
    chance = "p < 0.0001" if one.p_value < 1e-4 else f"p = {one.p_value:.4f}"
    return f"{points} ({chance} of its being the best)"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"
