"""The leaderboard: poolings by test score, with intervals, paired differences to a baseline, and who could be best."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poolsweep.errors import UserError, nearest
from poolsweep.files.writing import write_whole
from poolsweep.report.comparison import Comparison, compare
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
    """One contender: a pooling on one data set with one encoder.

    Attributes:
        data: Data set.
        encoder: Encoder.
        pooling: Preset, or ``layers+tokens``.
        score: Test score over seeds or splits, 0 to 1, with its t interval where there is one.
        difference: To the baseline, paired by seed and, where there are predictions, by text, as the family of all
            differences has it; None for the baseline itself and where the two cannot be compared.
        tied: Whether it could be the best; None where nothing can be compared.
        seeds: Which seeds count, sorted.
        seconds: Median of its runs.
        parameters: Trained parameters.
        pooled_size: D.
        settings: How many settings of other swept axes it was chosen from, on validation.
        speed: What serving it costs; None where nobody has measured it.
    """

    data: str
    encoder: str
    pooling: str
    score: SeedSummary
    difference: Estimate | None
    tied: bool | None
    seeds: tuple[int, ...]
    seconds: float
    parameters: int
    pooled_size: int
    settings: int
    speed: Speed | None = None


def compare_all(runs: Sequence[RunRecord], *, metric: str = "accuracy", baseline: str = BASELINE) -> list[Comparison]:
    """Compare the contenders of each data set and encoder, ordered by them.

    Args:
        runs: Runs of one study or several.
        metric: Without its split.
        baseline: Name of a pooling.
    """
    groups = group_runs(runs, metric=f"test/{metric}")
    return [compare(group, metric=metric, baseline=baseline) for group in groups if group.contenders]


def check_baseline(comparisons: Sequence[Comparison], baseline: str) -> None:
    """Refuse a baseline that no comparison has.

    Args:
        comparisons: All of a study.
        baseline: Name of a pooling; the default may be missing.
    Raises:
        UserError: If it is none of the study's.
    """
    if baseline != BASELINE and all(comparison.baseline is None for comparison in comparisons):
        known = {name for comparison in comparisons for name in comparison.names}
        raise UserError(f"baseline {baseline} is no pooling of the study; {nearest(baseline, known)}")


def short_names(comparisons: Sequence[Comparison]) -> list[str]:
    """Each comparison's data set, with its encoder where there are several of these."""
    several = len({comparison.group.encoder for comparison in comparisons}) > 1
    groups = [comparison.group for comparison in comparisons]
    return [f"{group.data} · {group.encoder}" if several else group.data for group in groups]


def leaderboard(comparisons: Sequence[Comparison]) -> list[Row]:
    """The rows of every comparison, best first."""
    return [_row(comparison, name) for comparison in comparisons for name in comparison.names]


def _row(comparison: Comparison, name: str) -> Row:
    contender, baseline = comparison.contender(name), comparison.baseline
    return Row(
        comparison.group.data, comparison.group.encoder, name, comparison.summaries[name],
        comparison.difference(name, baseline) if baseline and name != baseline else None,
        name in comparison.leading if name in comparison.compared else None,
        tuple(sorted(comparison.values[name])), contender.typical("seconds"),
        int(contender.any_run.facts["parameters"]["trained"]),
        int(contender.any_run.facts["parameters"]["pooled_size"]), contender.settings, speed_of(contender),
    )  # fmt: skip


def write_leaderboard(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Write the rows as csv; scores are 0 to 1, and empty where there is nothing to say.

    Args:
        path: ``leaderboard.csv`` of a study or a report.
        comparisons: Comparisons of one metric and baseline.
    """
    metric = comparisons[0].metric if comparisons else "accuracy"
    baseline = next((c.baseline for c in comparisons if c.baseline), BASELINE)
    columns = (
        "data", "encoder", "pooling", f"test_{metric}", "sd", "ci95_half_width", f"difference_to_{baseline}",
        "difference_ci95_low", "difference_ci95_high", "adjusted_p", "tied_with_best", "basis", "seeds", "seconds",
        "parameters", "pooled_size", "settings", "texts_per_second_1", "texts_per_second_64", "weight_bytes",
        "measured_on",
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
                seeds = " ".join(map(str, row.seeds))
                about = map(as_cell, (row.data, row.encoder, row.pooling))
                writer.writerow(
                    [*about, *cells, tied, comparison.basis, seeds, row.seconds, row.parameters, row.pooled_size,
                     row.settings, *_serving(row.speed)]
                )  # fmt: skip


def _serving(speed: Speed | None) -> tuple[object, ...]:
    if speed is None:
        return ("",) * 4
    rates = (f"{speed.texts_per_second[size]:.1f}" for size in (1, 64))
    return (*rates, speed.weight_bytes, as_cell(speed.hardware))
