"""When a sweep will be over, by the pace of its runs so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any


def seconds_left(
    *, took: Sequence[float], running: Sequence[Mapping[str, Any]], waiting: int, now: float
) -> float | None:
    """Seconds until the last run has ended, with as many at once as now; None while nothing tells.

    Args:
        took: Seconds of each run that finished.
        running: ``status.json`` of each run at work.
        waiting: Runs that have not begun.
        now: The time.
    Example:
        >>> seconds_left(took=[10.0, 12.0], running=[{"started": 95.0}], waiting=3, now=100.0)
        35.0
        >>> seconds_left(took=[], running=[{"started": 95.0, "seconds_left": 15.0}], waiting=1, now=100.0)
        35.0
    """
    elapsed = [max(0.0, now - status.get("started", now)) for status in running]
    foretold = [status.get("seconds_left") for status in running]
    whole = list(took) or [spent + left for spent, left in zip(elapsed, foretold, strict=True) if left is not None]
    if not whole:
        return None
    usual = usual_seconds(whole)
    present = [max(0.0, usual - spent) if left is None else left for spent, left in zip(elapsed, foretold, strict=True)]
    return max((sum(present) + waiting * usual) / max(1, len(running)), max(present, default=0.0))


def usual_seconds(took: Sequence[float]) -> float:
    """What one more run will take: the mean, without the longest, which is often the one that encodes for the others.

    The median would forget that some poolings of a sweep take ten times as long as most.

    Example:
        >>> usual_seconds([200.0]), usual_seconds([200.0, 6.0]), usual_seconds([200.0, 6.0, 60.0])
        (200.0, 6.0, 33.0)
    """
    return fmean(sorted(took)[:-1] or took)


def about_left(seconds: float | None) -> str:
    """How long it will take, in words; nothing where that is unknown, or where less than a second was foretold.

    Example:
        >>> about_left(61.0), about_left(0.2), about_left(None)
        ('about 1 min 1 s left', '', '')
    """
    return "" if seconds is None or round(seconds) < 1 else f"about {duration(seconds)} left"


def duration(seconds: float) -> str:
    """A length of time in one or two units.

    Example:
        >>> duration(59.2), duration(61), duration(7300)
        ('59 s', '1 min 1 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
