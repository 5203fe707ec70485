"""The keys of ``race``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from poolsweep.errors import UserError, nearest
from poolsweep.metric_names import RANKED

VERDICT_LEVEL = 0.95  # of the report: to drop the best must be less likely than to miss it there


@dataclass(frozen=True)
class RaceOptions:
    """The keys of ``race``, checked.

    Attributes:
        min_seeds: Number of seeds of every setting before the first interim analysis.
        level: Probability that no interim analysis, of all together, drops the best.
        metric: Metric of the validation split by which settings are dropped.
        keep: Poolings that get every seed.
    """

    min_seeds: int
    level: float
    metric: str
    keep: tuple[str, ...]


def race_options(given: Mapping[str, Any]) -> RaceOptions:
    """Check the keys of ``race``.

    Raises:
        UserError: With every problem.
    Example:
        >>> given = {"min_seeds": 2, "level": 0.99, "metric": "accuracy", "keep": ["cls"]}
        >>> race_options(given).keep
        ('cls',)
    """
    known = [field.name for field in fields(RaceOptions)]
    problems = [f"there is no key race.{key}; {nearest(key, known)}" for key in given.keys() - set(known)]
    values: list[Any] = [given.get(key) for key in known]
    min_seeds, level, metric, keep = values
    if type(min_seeds) is not int or min_seeds < 2:
        problems.append(
            f"race.min_seeds must be a whole number of at least 2, got {min_seeds!r}: one seed does not show the noise "
            "between seeds"
        )
    if type(level) is not float or not VERDICT_LEVEL < level < 1:
        problems.append(
            f"race.level must lie above {VERDICT_LEVEL}, the level of the report, and below 1, got {level!r}"
        )
    if metric not in RANKED:
        problems.append(f"race.metric={metric} is no metric that a report ranks by; {nearest(str(metric), RANKED)}")
    names = [keep] if isinstance(keep, str) else keep
    if not isinstance(names, list) or any(not isinstance(name, str) for name in names):
        problems.append(f"race.keep must be a list of poolings such as [cls], got {keep!r}")
    if problems:
        raise UserError(*problems)
    return RaceOptions(min_seeds, level, metric, tuple(names))
