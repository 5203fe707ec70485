"""Who rests: poolings whose verdict further seeds are not expected to change."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from poolsweep.sweep.race.forecast import Forecast

Name = TypeVar("Name", bound=Hashable)

OPEN_AGAIN = 0.5  # a rest ends when the verdict is more likely than not to change: less would be to and fro


def now_resting(
    forecasts: Mapping[Name, Forecast], *, resting: Mapping[Name, bool], certainty: float
) -> dict[Name, bool]:
    """Those whose verdict is settled, each with what it is: True for tied with the best.

    Tied is settled when the forecast says with ``certainty`` that the full grid's verdict is tied too; a mistake leaves
    a pooling among the leading that the grid would not have there. Not tied asks for more, since a mistake there can
    lose the best: it is settled when even a pooling as good as the best would, from here, end as not tied with that
    ``certainty``. By stochastic curtailment, stopping whenever that is so loses the best at most 1/``certainty`` times
    as often as the verdict at all seeds alone; ``levels.verdict_level`` makes up for it.

    Args:
        forecasts: Of all that are left.
        resting: Who rested before this look, with the verdict then.
        certainty: From 0.5 to 1.

    Reference:
        Lan, Simon, Halperin (1982), "Stochastically curtailed tests in long-term clinical trials", theorem 1.

    Example:
        >>> now = {"a": Forecast(True, 0.99, 0.0), "b": Forecast(True, 0.6, 0.0), "c": Forecast(False, 0.0, 0.97)}
        >>> now_resting(now, resting={"b": True}, certainty=0.8)
        {'a': True, 'b': True, 'c': False}
        >>> now_resting(now, resting={"c": True}, certainty=0.98)
        {'a': True}
    """
    return {
        name: verdict
        for name, one in forecasts.items()
        if (verdict := _settled(one, certainty, before=resting.get(name))) is not None
    }


def _settled(one: Forecast, certainty: float, *, before: bool | None) -> bool | None:
    if one.tied and one.stays_tied >= certainty:
        return True
    if one.out_if_best >= certainty:
        return False
    return before if before is not None and chance(one, tied=before) > OPEN_AGAIN else None


def chance(one: Forecast, *, tied: bool) -> float:
    """The probability that the full grid's verdict is this one."""
    return one.stays_tied if tied else 1 - one.stays_tied


def with_rivals(
    waiting: Sequence[str], *, forecasts: Mapping[str, Forecast], means: Mapping[str, float], certainty: float
) -> list[str]:
    """Those that run on: the ones whose verdict is open, and as many rivals as it takes to tell.

    The best goes first. Where several are about as good, a contender may be shown to be worse by one that is not the
    best so far; rivals are added, the most telling first, until the full grid would show no contender to be worse that
    those who run do not, except with a probability of 1 − ``certainty``.

    Args:
        waiting: Whose verdict is open, or cannot be forecast.
        forecasts: Of those that may run.
        means: Scores by which the best is told.
        certainty: As in :func:`now_resting`.

    Example:
        >>> import numpy as np
        >>> shown = {"a": np.array([True, False, False]), "b": np.array([True, False, True])}
        >>> now = {"c": Forecast(True, 0.33, 0.0, shown), "a": Forecast(True, 1.0, 0.0), "b": Forecast(True, 1.0, 0.0)}
        >>> means = {"a": 0.9, "b": 0.89, "c": 0.8}
        >>> with_rivals(["c"], forecasts=now, means=means, certainty=0.6)
        ['c', 'a']
        >>> with_rivals(["c"], forecasts=now, means=means, certainty=0.8)
        ['c', 'a', 'b']
    """
    on = list(waiting)
    if not on or not forecasts:
        return on
    best = max(forecasts, key=lambda name: means[name])
    on += [best] if best not in on else []
    open_ones = {name: forecasts[name] for name in waiting if name in forecasts}
    while others := [name for name in forecasts if name not in on]:
        if max((_tied(one, on) - one.stays_tied for one in open_ones.values()), default=0.0) <= 1 - certainty:
            break
        on.append(min(others, key=lambda name: sum(_tied(one, [*on, name]) for one in open_ones.values())))
    return on


def _tied(one: Forecast, rivals: Sequence[str]) -> float:
    """The probability that a contender ends as tied, where only some rivals run on."""
    shown = [one.beaten_by[rival] for rival in rivals if rival in one.beaten_by]
    return 1 - float(np.mean(np.any(shown, axis=0))) if shown else 1.0
