"""The leaderboard: poolings by test score, with intervals over seeds and paired differences to a baseline."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from poolsweep.report.intervals import Interval, paired_difference, t_interval
from poolsweep.report.results import load_results
from poolsweep.report.seeds_note import seeds_note
from poolsweep.run.files import write_whole

BASELINE = "cls"


@dataclass(frozen=True)
class Row:
    """One contender: a pooling on one data set with one encoder.

    Attributes:
        data: Data set.
        encoder: Encoder.
        pooling: Preset, or ``layers+tokens``.
        score: Test accuracy over seeds, 0 to 1.
        difference: To the baseline, paired by seed; None for the baseline itself and without one.
        seeds: Which seeds, sorted.
        seconds: Median of its runs.
        parameters: Trained parameters.
        pooled_size: D.
        variants: How many settings of other swept axes it was chosen from, on validation.
    """

    data: str
    encoder: str
    pooling: str
    score: Interval
    difference: Interval | None
    seeds: tuple[int, ...]
    seconds: float
    parameters: int
    pooled_size: int
    variants: int


def leaderboard(results: Sequence[dict[str, Any]], *, metric: str = "test/accuracy") -> list[Row]:
    """Rank the contenders of each data set and encoder, best first.

    Axes swept beside the seed (a learning rate, say) are chosen per pooling by the mean of the monitored validation
    metric.

    Args:
        results: Finished results of one study.
        metric: What is ranked.
    """
    contenders: dict[tuple[str, str, str], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        contenders[result["data"], result["encoder"], result["pooling"]][result["variant"]].append(result)
    chosen = {key: _best_variant(list(variants.values())) for key, variants in contenders.items()}
    rows = []
    for (data, encoder, pooling), runs in chosen.items():
        baseline = chosen.get((data, encoder, BASELINE))
        by_seed = {run["seed"]: run["metrics"][metric] for run in runs}
        difference = None
        if baseline is not None and pooling != BASELINE:
            difference = paired_difference(by_seed, {run["seed"]: run["metrics"][metric] for run in baseline})
        rows.append(
            Row(
                data, encoder, pooling, t_interval(list(by_seed.values())), difference, tuple(sorted(by_seed)),
                median(run["seconds"] for run in runs), runs[0]["parameters"]["trained"],
                runs[0]["parameters"]["pooled_size"], len(contenders[data, encoder, pooling]),
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (row.data, row.encoder, -row.score.mean, row.pooling))


def write_leaderboard(study: Path) -> Path:
    """Write ``leaderboard.csv`` into a study's folder."""
    path = study / "leaderboard.csv"
    columns = (
        "data", "encoder", "pooling", "test_accuracy", "ci95_half_width", "difference_to_cls",
        "difference_ci95_low", "difference_ci95_high", "seeds", "seconds", "parameters", "pooled_size", "variants",
    )  # fmt: skip
    with write_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in leaderboard(load_results(study)):
            d = row.difference or Interval(math.nan, math.nan, 0)
            numbers = (row.score.mean, row.score.half_width, d.mean, d.low, d.high)
            cells = ["" if math.isnan(x) else f"{x:.6f}" for x in numbers]
            seeds = " ".join(map(str, row.seeds))
            writer.writerow(
                [row.data, row.encoder, row.pooling, *cells, seeds, row.seconds, row.parameters, row.pooled_size,
                 row.variants]
            )  # fmt: skip
    return path


def print_leaderboard(study: Path, *, console: Console) -> None:
    """Print a study's leaderboard, one table per data set and encoder."""
    rows = leaderboard(load_results(study))
    for data, encoder in dict.fromkeys((row.data, row.encoder) for row in rows):
        console.print(_table(data, encoder, [row for row in rows if (row.data, row.encoder) == (data, encoder)]))
    note = seeds_note(load_results(study))
    if note:
        console.print(note, highlight=False)
    if any(row.variants > 1 for row in rows):
        console.print("Other swept settings were chosen per pooling by the mean of the monitored validation metric.")
    if rows and any(row.score.count < 2 for row in rows):
        console.print("One seed gives no interval: add seeds with seed=0,1,2.")


def _table(data: str, encoder: str, rows: Sequence[Row]) -> Table:
    counts = sorted({len(row.seeds) for row in rows})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    title = (
        f"{data} · {encoder} · test accuracy in %\n"
        f"mean ± 95% t interval over {seeds} seeds; Δ to {BASELINE} paired by seed"
    )
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("pooling", overflow="fold", min_width=12)
    for name in ("accuracy", f"Δ {BASELINE}", "s/run", "trained", "dims"):
        table.add_column(name, justify="right", no_wrap=True)
    for rank, row in enumerate(rows):
        table.add_row(
            row.pooling, _percent(row.score), _difference(row), f"{row.seconds:.1f}", f"{row.parameters:,}",
            str(row.pooled_size), style="bold" if rank == 0 else None,
        )  # fmt: skip
    return table


def _percent(interval: Interval) -> str:
    spread = "" if math.isnan(interval.half_width) else f" ± {100 * interval.half_width:.2f}"
    return f"{100 * interval.mean:.2f}{spread}"


def _difference(row: Row) -> str:
    d = row.difference
    if row.pooling == BASELINE:
        return "baseline"
    if d is None or math.isnan(d.mean):
        return ""
    ends = "" if math.isnan(d.half_width) else f" [{100 * d.low:+.2f}, {100 * d.high:+.2f}]"
    return f"{100 * d.mean:+.2f}{ends}"


def _best_variant(variants: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    def quality(runs: list[dict[str, Any]]) -> tuple[int, float]:
        sign = 1 if runs[0]["mode"] == "max" else -1
        return len({run["seed"] for run in runs}), sign * mean(run["metrics"][run["monitor"]] for run in runs)

    return max(variants, key=quality)
