"""The leaderboard in the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from poolsweep.report.answer import answers, contender_noun, what_intervals_cover
from poolsweep.report.cautions import cautions
from poolsweep.report.comparison import Comparison
from poolsweep.report.encoders import does_it_depend, encoder_grid
from poolsweep.report.leaderboard import Row, by_size, compare_all, leaderboard, short_names, write_leaderboard
from poolsweep.report.learning import learning_curve, learning_sentence, learning_table
from poolsweep.report.metric import METRICS, shown, signed, title
from poolsweep.report.race import race_note
from poolsweep.report.results import RunRecord, load_runs
from poolsweep.report.run_notes import load_note, unfinished, what_seeds_are
from poolsweep.report.serving import COLUMNS, serving_cells, serving_note, was_measured
from poolsweep.report.tables import could_be_best, jointly, pairing, what_means_are
from poolsweep.runs.locate import argument_for
from poolsweep.terminal.console import Console
from poolsweep.terminal.table import make_table

TIED, ALONE, DROPPED = "=", "★", "×"


def show_study(study: Path, *, console: Console) -> None:
    """Write ``leaderboard.csv`` into a study, print it, and say how to make the report.

    Args:
        study: ``<output_root>/<study>``.
        console: Console to print to.
    """
    comparisons = compare_all(load_runs([study]))
    path = study / "leaderboard.csv"
    write_leaderboard(path, comparisons)
    print_leaderboards(comparisons, console=console)
    print_serious(comparisons, console=console)
    console.print(str(path), soft_wrap=True)
    if comparisons:
        command = f"poolsweep report {argument_for(study)}"
        console.print(f"charts, all runs and what to be careful of:  {command}", soft_wrap=True)


def print_leaderboards(comparisons: Sequence[Comparison], *, console: Console) -> None:
    """Print one table per data set, each with its answer in a sentence, and one of its smaller numbers of rows."""
    for comparison, *_ in by_size(comparisons):
        rows = leaderboard([comparison])
        _print_table(comparison, rows, console=console)
        console.print()
        for line in answers(comparison):
            console.say(line)
        if depends := does_it_depend(comparison, encoder_grid(comparison)):
            console.say(depends)
        if comparison.splits and (note := what_intervals_cover(comparison)):
            console.say(note)
        if note := serving_note(rows):
            console.say(note)
        if race_note(comparison.dropped):
            console.say(race_note(comparison.dropped))
        seeds = what_seeds_are(comparison)
        if seeds:
            console.say(seeds)
        if any(row.settings > 1 for row in rows):
            console.say(
                "Other swept settings were chosen per contender by the mean of the monitored validation metric."
            )
        if note := load_note(comparison):
            console.say(note)
        if comparison.basis in ("one seed", "nothing") or any(_lacks_seeds(comparison, row) for row in rows):
            console.say("One seed gives no interval and no verdict: add seeds with seed=0,1,2.")
    _print_curves(comparisons, console=console)


def _print_curves(comparisons: Sequence[Comparison], *, console: Console) -> None:
    """Print a table for each data set that was trained on several numbers of rows."""
    for sizes in by_size(comparisons):
        curve = learning_curve(sizes)
        if curve is not None:
            table = learning_table(curve)
            if not console.is_terminal:  # a file takes any width
                table.width = Measurement.get(console, console.options.update(max_width=1000), table).maximum
            console.print(table, crop=console.is_terminal)
            console.print()
            console.say(learning_sentence(curve))


def _lacks_seeds(comparison: Comparison, row: Row) -> bool:
    fixed = row.name in comparison.scores and comparison.scores[row.name].deterministic
    return comparison.splits is None and row.score.num_seeds < 2 and not fixed


def print_cautions(comparisons: Sequence[Comparison], runs: Sequence[RunRecord], *, console: Console) -> None:
    """Print what undermines a verdict, and how many lesser cautions the page has."""
    left = unfinished(runs)
    if left:
        console.say(f"caution: {left}", style="yellow")
    lesser = print_serious(comparisons, console=console)
    if lesser:
        console.say(f"{lesser} lesser caution{'s' * (lesser > 1)}: see the page")


def print_serious(comparisons: Sequence[Comparison], *, console: Console) -> int:
    """Print what undermines a verdict; gives the number of lesser cautions."""
    lesser = 0
    for comparison, name in zip(comparisons, short_names(comparisons), strict=True):
        where = f"{name}: " if len(comparisons) > 1 else ""
        found = cautions(comparison)
        for sentence in (sentence for serious, sentence in found if serious):
            console.say(f"caution: {where}{sentence}", style="yellow")
        lesser += sum(not serious for serious, _ in found)
    return lesser


def _print_table(comparison: Comparison, rows: Sequence[Row], *, console: Console) -> None:
    """A file takes any width; in a narrow terminal the columns about cost give way to names and intervals."""
    for costs in range(6 if was_measured(rows) else 3, 0, -1):
        table = _table(comparison, rows, costs=costs)
        width = Measurement.get(console, console.options.update(max_width=1000), table).maximum
        if width <= console.width:
            return console.print(table)
        if not console.is_terminal:
            table.width = width
            return console.print(table, crop=False)
    return console.print(_table(comparison, rows, costs=0))


def _table(comparison: Comparison, rows: Sequence[Row], *, costs: int) -> Table:
    mark = ALONE if comparison.star else TIED
    names = (*(COLUMNS if was_measured(rows) else ()), "s/run", "trained", "dims")
    deltas = [f"Δ {comparison.baseline}"] if comparison.baseline else []
    heads = (f"  {contender_noun(comparison)}", METRICS[comparison.metric].title, *deltas, *names[:costs])
    table = make_table(*heads, title=_title(comparison, mark), narrowest=12)
    for row in rows:
        serving = serving_cells(row) if was_measured(rows) else ()
        cost = (*serving, f"{row.seconds:.1f}", f"{row.parameters:,}", str(row.pooled_size))[:costs]
        name = Text(f"{_mark(comparison, row, mark) if len(rows) > 1 else ' '} {row.name}")
        difference = [_difference(row, comparison)] if comparison.baseline else []
        table.add_row(name, _score(row, comparison.metric), *difference, *cost, style="bold" if row.tied else None)
    return table


def _title(comparison: Comparison, mark: str) -> str:
    lines = [f"{comparison.group.title} · test {title(comparison.metric)}"]
    lines.append(what_means_are(comparison))
    if comparison.baseline:
        by = pairing(comparison)
        lines[-1] += f"; Δ to {comparison.baseline}" + (f" paired by {by}" if by else "")
        lines += [jointly(comparison)] if comparison.against else []
    if comparison.leading and len(comparison.compared) > 1:
        lines.append(f"{mark} {could_be_best(comparison)}")
    return "\n".join([*lines, *([f"{DROPPED} dropped by the race"] if comparison.dropped else [])])


def _mark(comparison: Comparison, row: Row, mark: str) -> str:
    if len(comparison.compared) < 2:
        return " "
    return mark if row.tied else DROPPED if row.name in comparison.dropped else " "


def _score(row: Row, metric: str) -> str:
    spread = "" if math.isnan(row.score.half_width) else f" ± {shown(row.score.half_width, metric)}"
    return f"{shown(row.score.mean, metric)}{spread}"


def _difference(row: Row, comparison: Comparison) -> str:
    d = row.difference
    if row.name == comparison.baseline:
        return "baseline"
    if d is None:
        return "not compared"
    value, low, high = (signed(number, comparison.metric) for number in (d.value, d.low, d.high))
    return value if math.isnan(d.low) else f"{value} [{low}, {high}]"
