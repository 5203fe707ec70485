"""The best contender of a study, by validation alone."""

from __future__ import annotations

from statistics import mean

from poolsweep.errors import UserError
from poolsweep.report.contenders import Contender, Group
from poolsweep.report.race import dropped_by_race


def best_contender(group: Group, *, given: str) -> tuple[Contender, str]:
    """The best on validation, and why in words.

    Contenders are held against each other on the replicates that all have; those that a race dropped are behind.

    Args:
        group: Contenders on one data set.
        given: What the user typed for them.
    Raises:
        UserError: If they were selected by several metrics.
    """
    among = _in_the_running(group)
    if len(among) == 1:
        return among[0], ""
    monitors = sorted({contender.any_run.facts["monitor"] for contender in among})
    if len(monitors) > 1:
        raise UserError(f"{given} was selected by {' and '.join(monitors)}, which do not compare; name STUDY:NAME")
    shared = set.intersection(*(set(contender.runs) for contender in among))

    def score(contender: Contender) -> float:
        counted = [run for replicate, run in contender.runs.items() if replicate in shared or not shared]
        return mean(run.metric(monitors[0]) for run in counted)

    sign = 1 if among[0].any_run.facts["mode"] == "max" else -1
    best = max(among, key=lambda one: sign * score(one))
    runs = len(shared) or len(best.runs)
    over = f"over {runs} runs" if runs > 1 else "of one run"
    return best, f" is the best of {len(among)} on validation (mean {monitors[0]} {score(best):.4f} {over})"


def _in_the_running(group: Group) -> list[Contender]:
    monitor = next(iter(group.contenders.values())).any_run.facts["monitor"]
    dropped = dropped_by_race(group, metric=monitor.partition("/")[2])
    return [contender for name, contender in group.contenders.items() if name not in dropped]
