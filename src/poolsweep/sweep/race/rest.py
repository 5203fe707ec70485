"""Who rests: poolings whose verdict further seeds are not expected to change."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

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


def with_a_rival(running: Collection[Name], *, means: Mapping[Name, float], complete: Sequence[Name]) -> list[Name]:
    """Those that run on: the ones whose verdict is open, and the best to hold them against.

    Args:
        running: Whose verdict is open.
        means: Scores by which the best is told.
        complete: Those that have every seed so far.

    Example:
        >>> with_a_rival(["c"], means={"a": 0.9, "b": 0.91, "c": 0.8}, complete=["a", "c"])
        ['a', 'c']
    """
    if not running or not complete:
        return list(running)
    best = max(complete, key=lambda name: means[name])
    return [*([best] if best not in running else []), *running]
