"""The course of a race: after each round, who is dropped, who rests, and who runs on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from poolsweep.report.named_apart import named_apart
from poolsweep.runs.race import Dropped, RaceRecord, Rested
from poolsweep.statistics.levels import look_level
from poolsweep.sweep.race.field import Entrant, Field
from poolsweep.sweep.race.forecast import Forecast
from poolsweep.sweep.race.look import look
from poolsweep.sweep.race.options import VERDICT_LEVEL, RaceOptions
from poolsweep.sweep.race.rest import chance, now_resting, with_rivals
from poolsweep.sweep.race.standing import standing


class Course:
    """Which runs a race still wants. Decided by the results of those it wanted before, and by nothing else.

    Args:
        field: Settings and rounds.
        options: The keys of ``race``.
    """

    def __init__(self, field: Field, *, options: RaceOptions) -> None:
        self._field = field
        self._options = options
        self._racing = list(field.entrants)
        self._had = dict.fromkeys(field.entrants, min(options.min_seeds, len(field.seeds)))
        self._resting: dict[Entrant, bool] = {}
        self._records: dict[tuple[str, str], RaceRecord] = {}

    @property
    def records(self) -> tuple[RaceRecord, ...]:
        """What was decided so far, by data set and encoder."""
        return tuple(self._records.values())

    def places(self, entrant: Entrant) -> range:
        """The rounds that an entrant is to run."""
        return range(self._had[entrant])

    def look(self, done: int, *, say: Callable[[RaceRecord], None]) -> bool:
        """Decide what follows ``done`` rounds; returns whether there is anything left to run.

        Args:
            done: Rounds that have been run.
            say: Is told of each data set and encoder that was looked at.
        """
        known = {entrant: facts for entrant in self._field.entrants if (facts := entrant.facts) is not None}
        groups: dict[tuple[str, str], list[Entrant]] = defaultdict(list)
        for entrant, facts in zip(known, named_apart([*known.values()]), strict=True):
            groups[facts["data"], facts["encoder"]].append(entrant)
        on = [entrant for entrant in self._racing if entrant not in known]
        for group, entrants in groups.items():
            if any(self._had[entrant] == done for entrant in entrants if entrant in self._racing):
                record = self._records.setdefault(group, self._new_record(group))
                self._drop(record, entrants, done)
                on += self._going_on(record, entrants, done)
                say(record)
        self._had |= dict.fromkeys(on, done + 1)
        return bool(on)

    def _drop(self, record: RaceRecord, entrants: Sequence[Entrant], done: int) -> None:
        """Those that rest are not looked at: they have fewer seeds, and stay among the leading."""
        running = [entrant for entrant in entrants if entrant in self._racing and self._had[entrant] == done]
        level = look_level(done - self._options.min_seeds + 1, level=self._options.level)
        out = look(running, rounds=done, metric=self._options.metric, level=level)
        for entrant, why in out.items():
            if entrant.pooling not in self._options.keep:
                self._racing.remove(entrant)
                record.dropped.append(
                    Dropped(
                        entrant.pooling, entrant.name, done, why.behind, round(why.gap, 6), round(why.p_value, 6),
                        entrant.run_ids(done), self._left_undone(entrant),
                    )
                )  # fmt: skip

    def _going_on(self, record: RaceRecord, entrants: Sequence[Entrant], done: int) -> list[Entrant]:
        """Who of one data set and encoder runs on: whose verdict is open, and the best to hold them against."""
        left = [entrant for entrant in entrants if entrant in self._racing]
        record.left = tuple(dict.fromkeys(entrant.pooling for entrant in left))
        if len(record.left) == 1 and record.out:
            record.settled, record.rested, record.again = True, [], ()
            record.saved = tuple(name for entrant in left for name in self._left_undone(entrant))
            return []
        found = self._forecast(record, entrants, left)
        may = {entrant: one for entrant, (one, _) in found.items() if entrant.pooling not in self._options.keep}
        before = {entrant: tied for entrant, tied in self._resting.items() if entrant in left}
        settled = now_resting(may, resting=before, certainty=self._options.certainty)
        waiting = [e for e in left if e not in settled and any(place >= done for place in e.runs)]
        speaks = {entrant.pooling: entrant for entrant in found}  # one setting each
        rivals = with_rivals(
            [entrant.pooling for entrant in waiting],
            forecasts={name: found[entrant][0] for name, entrant in speaks.items()},
            means={name: found[entrant][1] for name, entrant in speaks.items()},
            certainty=self._options.certainty,
        )
        on = [*waiting, *(speaks[name] for name in rivals if name in speaks and speaks[name] not in waiting)]
        resting = {entrant: tied for entrant, tied in settled.items() if entrant not in on}
        record.again = tuple(entrant.name for entrant in before if entrant not in settled)
        record.rested = [self._rested(entrant, may[entrant], tied=tied) for entrant, tied in resting.items()]
        record.settled = not on
        self._resting = {e: tied for e, tied in self._resting.items() if e not in left} | resting
        return on

    def _forecast(
        self, record: RaceRecord, entrants: Sequence[Entrant], left: Sequence[Entrant]
    ) -> dict[Entrant, tuple[Forecast, float]]:
        if self._options.certainty == 1:
            return {}
        return standing(
            {entrant: self._had[entrant] for entrant in entrants},
            racing=left,
            planned=len(self._field.seeds),
            metric=self._options.metric,
            level=record.verdict_level(VERDICT_LEVEL),
        )

    def _rested(self, entrant: Entrant, one: Forecast, *, tied: bool) -> Rested:
        had = self._had[entrant]
        return Rested(
            entrant.pooling, entrant.name, had, tied, round(chance(one, tied=tied), 6), entrant.run_ids(had),
            self._left_undone(entrant),
        )  # fmt: skip

    def _left_undone(self, entrant: Entrant) -> tuple[str, ...]:
        """The runs of an entrant that need not be made any more, in words."""
        return tuple(
            point.name
            for place, point in sorted(entrant.points.items())
            if place >= self._had[entrant] and entrant.runs[place].finished() is None
        )

    def _new_record(self, group: tuple[str, str]) -> RaceRecord:
        options = self._options
        return RaceRecord(*group, options.metric, options.level, options.certainty, self._field.seeds)
