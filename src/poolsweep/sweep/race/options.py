"""The keys of ``race``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from poolsweep.config import RunConfig
from poolsweep.errors import UserError, nearest
from poolsweep.metric_names import RANKED

VERDICT_LEVEL = 0.95  # of the report: to drop the best must be less likely than to miss it there


@dataclass(frozen=True)
class RaceOptions:
    """The keys of ``race``, checked.

    Attributes:
        min_seeds: Number of seeds of every setting before the first interim analysis.
        level: Probability that no interim analysis, of all together, drops the best.
        metric: Metric of the validation split by which settings are dropped; None = the first of the runs' metrics.
        keep: Poolings, or contenders, that get every seed.
    """

    min_seeds: int
    level: float
    metric: str | None
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
    if metric is not None and metric not in RANKED:
        problems.append(f"race.metric={metric} is no metric that a report ranks by; {nearest(str(metric), RANKED)}")
    names = [keep] if isinstance(keep, str) else keep
    if not isinstance(names, list) or any(not isinstance(name, str) for name in names):
        problems.append(f"race.keep must be a list of poolings such as [cls], got {keep!r}")
    if problems:
        raise UserError(*problems)
    return RaceOptions(min_seeds, level, metric, tuple(names))


def with_metric(options: RaceOptions, configs: Sequence[RunConfig]) -> RaceOptions:
    """Options whose metric is known, and one that every text of the runs has a score for.

    Args:
        options: The keys of ``race``.
        configs: Configs of the runs.
    Raises:
        UserError: If the runs have no such metric in common.
    """
    ranks = sorted({config.metrics[0] for config in configs})
    if options.metric is None and len(ranks) > 1:
        raise UserError(f"the runs rank by {' and by '.join(ranks)}: race.metric=… names the one that decides")
    metric = options.metric or ranks[0]
    tasks = {config.task.name: config.task for config in configs}.values()
    refused = [task for task in tasks if metric not in task.metrics]
    if refused:
        valid = nearest(metric, refused[0].metrics)
        raise UserError(f"race.metric={metric} gives no score to single texts of task={refused[0].name}; {valid}")
    return replace(options, metric=metric)
