"""What serving a contender costs, where ``poolsweep evaluate --speed`` has measured it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from poolsweep.report.contenders import Contender
from poolsweep.runs.speed import Speed, read_speed

if TYPE_CHECKING:
    from poolsweep.report.leaderboard import Row

COLUMNS = ("texts/s at 1", "texts/s at 64", "MB")


def speed_of(contender: Contender) -> Speed | None:
    """What was measured of one of its runs; None if nothing was."""
    found = (read_speed(run.path) for run in contender.replicates)
    return next((speed for speed in found if speed is not None), None)


def was_measured(rows: Sequence[Row]) -> bool:
    """Whether a table needs columns for it."""
    return any(row.speed is not None for row in rows)


def serving_cells(row: Row) -> tuple[str, str, str]:
    """The cells of a row, in the order of ``COLUMNS``."""
    if row.speed is None:
        return ("–", "–", "–")
    one, many = (row.speed.texts_per_second[size] for size in (1, 64))
    return (_rate(one), _rate(many), f"{row.speed.weight_bytes / 1e6:,.1f}")


def serving_note(rows: Sequence[Row]) -> str:
    """What the columns are; empty without them."""
    devices = list(dict.fromkeys(row.speed.hardware for row in rows if row.speed is not None))
    if not devices:
        return ""
    told = "texts/s: texts per second from text to probabilities, 1 and 64 texts a call"
    if len(devices) == 1:
        return f"{told}, on {devices[0]}. MB: all weights, encoder included."
    return f"{told}. They were measured on different devices and do not compare: {'; '.join(devices[:5])}."


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
