"""Poolings that a pattern such as ``glob(*)`` stands for, and that an encoder or a trainer rules out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poolsweep.errors import UnfitPoolingError, UserError
from poolsweep.sweep.point import Point


def left_out(points: Sequence[Point], unfit: Mapping[Point, UnfitPoolingError]) -> list[str]:
    """One line that names what a sweep leaves out.

    Args:
        points: All that were asked for.
        unfit: Those of a pattern that cannot be, with the reason.
    Raises:
        UserError: If nothing is left for what was named beside the pattern: that is refused, not left out.
    """
    if not unfit:
        return []
    possible = {_named(point) for point in points if point not in unfit}
    refused = [error for point, error in unfit.items() if _named(point) not in possible]
    if refused:
        raise UserError(*dict.fromkeys(problem for error in refused for problem in error.problems))
    names = dict.fromkeys(" ".join(o.partition("=")[2] for o in point.matched) for point in unfit)
    reason = next(iter(unfit.values())).problems[0]
    return [f"left out of the pattern, since they cannot be here: {', '.join(names)} ({reason})"]


def _named(point: Point) -> frozenset[str]:
    return frozenset(point.overrides) - frozenset(point.matched)
