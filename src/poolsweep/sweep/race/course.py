"""The course of a race: after each round, who is dropped, and who runs on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from poolsweep.report.distinct_names import distinct_names
from poolsweep.runs.race import Dropped, RaceRecord
from poolsweep.sweep.race.field import Entrant, Field
from poolsweep.sweep.race.look import look
from poolsweep.sweep.race.options import RaceOptions
from poolsweep.sweep.race.rule import look_level


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
        for entrant, facts in zip(known, distinct_names([*known.values()]), strict=True):
            groups[facts["data"], facts["encoder"]].append(entrant)
        on = [entrant for entrant in self._racing if entrant not in known]
        for group, entrants in groups.items():
            running = [entrant for entrant in entrants if entrant in self._racing and self._had[entrant] == done]
            if running:
                record = self._records.setdefault(group, self._new_record(group))
                self._drop(record, running, done)
                on += self._going_on(record, entrants, done)
                say(record)
        self._had |= dict.fromkeys(on, done + 1)
        return bool(on)

    def _drop(self, record: RaceRecord, running: Sequence[Entrant], done: int) -> None:
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
        """Who of one data set and encoder has further rounds; nobody where one pooling alone is left."""
        left = [entrant for entrant in entrants if entrant in self._racing]
        record.left = tuple(dict.fromkeys(entrant.pooling for entrant in left))
        record.settled = len(record.left) == 1 and bool(record.out)
        if record.settled:
            record.saved = tuple(name for entrant in left for name in self._left_undone(entrant))
            return []
        return [entrant for entrant in left if any(place >= done for place in entrant.runs)]

    def _left_undone(self, entrant: Entrant) -> tuple[str, ...]:
        """The runs of an entrant that need not be made any more, in words."""
        return tuple(
            point.name
            for place, point in sorted(entrant.points.items())
            if place >= self._had[entrant] and entrant.runs[place].finished() is None
        )

    def _new_record(self, group: tuple[str, str]) -> RaceRecord:
        return RaceRecord(*group, self._options.metric, self._options.level, self._field.seeds)
