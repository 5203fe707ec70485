"""Contenders by number of training rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from rich.table import Table
from rich.text import Text

from poolsweep.report.comparison import Comparison
from poolsweep.report.metric import shown, title
from poolsweep.statistics import SeedSummary
from poolsweep.terminal.table import make_table


@dataclass(frozen=True, eq=False)
class Size:
    """The contenders at one number of training rows.

    Attributes:
        rows: Training rows, the mean over runs.
        asked: What was asked for, in words: ``300 training rows``.
        summaries: Name at the largest size → mean and interval.
        leader: Name with the best mean.
    """

    rows: float
    asked: str
    summaries: dict[str, SeedSummary]
    leader: str


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Contenders by number of training rows.

    Attributes:
        largest: The comparison on most rows, whose names, metric and colours count.
        sizes: From few rows to many, at least two.
        names: Contenders, the best at the largest size first.
    """

    largest: Comparison
    sizes: tuple[Size, ...]
    names: tuple[str, ...]

    @property
    def changes(self) -> list[tuple[Size, Size]]:
        """The neighbouring sizes between which the leader changes."""
        neighbours = zip(self.sizes, self.sizes[1:], strict=False)
        return [(before, after) for before, after in neighbours if before.leader != after.leader]


def learning_curve(comparisons: Sequence[Comparison]) -> LearningCurve | None:
    """The comparisons on one data set by number of training rows; None where there is one number.

    Args:
        comparisons: Differ in the number of training rows alone.
    """
    by_rows = sorted((comparison for comparison in comparisons if _rows(comparison) >= 1), key=_rows)  # nan: unknown
    if len({round(_rows(comparison)) for comparison in by_rows}) < 2:
        return None
    largest = by_rows[-1]
    names = {largest.contender(name).key: name for name in largest.names}
    sizes = []
    for comparison in by_rows:
        found = {
            names[key]: comparison.summaries[name]
            for name in comparison.names
            if (key := comparison.contender(name).key) in names
        }
        if found:
            sizes.append(Size(_rows(comparison), str(comparison.group.arena.rows), found, next(iter(found))))
    return LearningCurve(largest, tuple(sizes), tuple(largest.names)) if len(sizes) > 1 else None


def _rows(comparison: Comparison) -> float:
    """Training rows of the runs of a comparison."""
    runs = [run for name in comparison.names for run in comparison.contender(name).runs.values()]
    return mean(float((run.facts.get("sizes") or {}).get("train", math.nan)) for run in runs)


def learning_sentence(curve: LearningCurve) -> str:
    """Who leads from how many rows on."""
    first = curve.sizes[0]
    told = [f"{first.leader} has the highest mean with {first.rows:,.0f} training rows"]
    told += [f"{after.leader} from {after.rows:,.0f} on" for _, after in curve.changes]
    return ", ".join(told) + (" and with all that were tried." if not curve.changes else ".")


def learning_cell(size: Size, name: str, metric: str) -> str:
    """A contender's mean at one size with half its interval; empty where it has no run of that size."""
    found = size.summaries.get(name)
    if found is None:
        return ""
    return shown(found.mean, metric) + ("" if math.isnan(found.half_width) else f" ± {shown(found.half_width, metric)}")


def learning_table(curve: LearningCurve) -> Table:
    """A row for each contender and a column for each size; the highest mean of a size is bold."""
    metric = curve.largest.metric
    heading = f"{curve.largest.group.data} · test {title(metric)} by training rows"
    table = make_table("training rows", *(f"{size.rows:,.0f}" for size in curve.sizes), title=heading)
    for name in curve.names:
        cells = [
            Text(learning_cell(size, name, metric), style="bold" if name == size.leader else "") for size in curve.sizes
        ]
        table.add_row(Text(name), *cells)
    return table
