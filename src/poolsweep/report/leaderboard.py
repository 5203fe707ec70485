"""The leaderboard: contenders by test score, with intervals, paired differences to a baseline, and their ties."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poolsweep.errors import UserError, nearest
from poolsweep.files.writing import write_whole
from poolsweep.report.comparison import Comparison, compare
from poolsweep.report.contender_key import ContenderKey
from poolsweep.report.contenders import group_runs
from poolsweep.report.results import RunRecord
from poolsweep.report.serving import speed_of
from poolsweep.runs.speed import Speed
from poolsweep.statistics import Estimate, SeedSummary
from poolsweep.terminal.text import as_cell

BASELINE = "cls"
_UNKNOWN = Estimate.without_error(math.nan)


@dataclass(frozen=True)
class Row:
    """One contender.

    Attributes:
        data: Data set.
        rows: How many training rows were asked for, in words.
        name: Pooling, with its encoder and its regime where not all contenders share these.
        key: Encoder, pooling and regime.
        score: Test score over seeds or splits, 0 to 1, with its t interval where there is one.
        difference: To the baseline, paired by seed and, where there are predictions, by text, as the family of all
            differences has it; None for the baseline itself and where the two cannot be compared.
        tied: Whether it could be the best; None where nothing can be compared.
        replicates: Which replicates count, sorted: such as ``0``, or ``fold 1 seed 0``.
        seconds: Median of its runs.
        parameters: Trained parameters.
        pooled_size: D.
        settings: How many settings of other swept axes it was chosen from, on validation.
        speed: What serving it costs; None where nobody has measured it.
    """

    data: str
    rows: str
    name: str
    key: ContenderKey
    score: SeedSummary
    difference: Estimate | None
    tied: bool | None
    replicates: tuple[str, ...]
    seconds: float
    parameters: int
    pooled_size: int
    settings: int
    speed: Speed | None = None


def compare_all(runs: Sequence[RunRecord], *, metric: str | None = None, baseline: str = BASELINE) -> list[Comparison]:
    """Compare the contenders of each data set and number of training rows, ordered by them.

    Args:
        runs: Runs of one study or several.
        metric: Without its split; None = the first of the runs' metrics.
        baseline: Name of a contender, or of a pooling.
    """
    groups = group_runs(runs, metric=metric and f"test/{metric}")
    return [compare(group, metric=metric, baseline=baseline) for group in groups if group.contenders]


def check_baseline(comparisons: Sequence[Comparison], baseline: str) -> None:
    """Refuse a baseline that no comparison has.

    Args:
        comparisons: All of a study.
        baseline: Name of a contender, or of a pooling; the default may be missing.
    Raises:
        UserError: If it is none of the study's.
    """
    if baseline != BASELINE and all(comparison.baseline is None for comparison in comparisons):
        known = {name for comparison in comparisons for name in comparison.names}
        raise UserError(f"baseline {baseline} is no contender of the study; {nearest(baseline, known)}")


def short_names(comparisons: Sequence[Comparison]) -> list[str]:
    """Each comparison's data set, with its number of training rows or its task where there are several of these."""
    arenas = [comparison.group.arena for comparison in comparisons]
    several = {kind: len({getattr(arena, kind) for arena in arenas}) > 1 for kind in ("task", "rows")}
    return [
        " · ".join([arena.data, *[arena.task] * several["task"], *[str(arena.rows)] * several["rows"]])
        for arena in arenas
    ]


def by_size(comparisons: Sequence[Comparison]) -> list[list[Comparison]]:
    """The comparisons of each data set and task, the one with the most training rows first.

    Args:
        comparisons: In the order of ``compare_all``.
    """
    found: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in comparisons:
        found.setdefault(comparison.group.arena[:2], []).append(comparison)
    return list(found.values())


def score_name(comparisons: Sequence[Comparison]) -> str:
    """Name of the column of scores: ``test/accuracy``, or ``test/score`` where the metrics differ."""
    metrics = {comparison.metric for comparison in comparisons}
    return f"test/{metrics.pop()}" if len(metrics) == 1 else "test/score"


def leaderboard(comparisons: Sequence[Comparison]) -> list[Row]:
    """The rows of every comparison, best first."""
    return [_row(comparison, name) for comparison in comparisons for name in comparison.names]


def _row(comparison: Comparison, name: str) -> Row:
    contender, baseline = comparison.contender(name), comparison.baseline
    return Row(
        comparison.group.data, str(comparison.group.arena.rows), name, contender.key, comparison.summaries[name],
        comparison.difference(name, baseline) if baseline and name != baseline else None,
        name in comparison.leading if name in comparison.compared else None,
        tuple(map(comparison.group.wording.short, sorted(comparison.values[name]))), contender.typical("seconds"),
        int(contender.any_run.facts["parameters"]["trained"]),
        int(contender.any_run.facts["parameters"]["pooled_size"]), contender.settings, speed_of(contender),
    )  # fmt: skip


def write_leaderboard(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Write the rows as csv; scores are 0 to 1, and empty where there is nothing to say.

    Args:
        path: ``leaderboard.csv`` of a study or a report.
        comparisons: Comparisons of one metric and baseline.
    """
    score = score_name(comparisons).replace("/", "_")
    baselines = {comparison.baseline for comparison in comparisons} - {None}
    baseline = baselines.pop() if len(baselines) == 1 else "baseline" if baselines else BASELINE
    columns = (
        "data", "rows", "name", "encoder", "pooling", "regime", score, "sd", "ci95_half_width",
        f"difference_to_{baseline}", "difference_ci95_low", "difference_ci95_high", "adjusted_p", "tied_with_best",
        "basis", "replicates",
        "seconds", "parameters", "pooled_size", "settings", "texts_per_second_1", "texts_per_second_64", "weight_bytes",
        "measured_on", "metric", "baseline",
    )  # fmt: skip
    with write_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for comparison in comparisons:
            for row in leaderboard([comparison]):
                d = row.difference or _UNKNOWN
                numbers = (row.score.mean, row.score.sd, row.score.half_width, d.value, d.low, d.high, d.p_value)
                cells = ["" if math.isnan(x) else f"{x:z.6f}" for x in numbers]
                tied = "" if row.tied is None else "yes" if row.tied else "no"
                replicates = ("; " if any(" " in one for one in row.replicates) else " ").join(row.replicates)
                about = map(as_cell, (row.data, row.rows, row.name, *row.key))
                told = (comparison.metric, as_cell(comparison.baseline or ""))
                writer.writerow(
                    [*about, *cells, tied, comparison.basis, replicates, row.seconds, row.parameters,
                     row.pooled_size, row.settings, *_serving(row.speed), *told]
                )  # fmt: skip


def _serving(speed: Speed | None) -> tuple[object, ...]:
    if speed is None:
        return ("",) * 4
    rates = (f"{speed.texts_per_second[size]:.1f}" for size in (1, 64))
    return (*rates, speed.weight_bytes, as_cell(speed.hardware))
