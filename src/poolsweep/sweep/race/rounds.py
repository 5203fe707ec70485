"""Which runs a race still wants: after each round the settings that cannot be the best are dropped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from poolsweep.report.contender_key import Arena, ContenderKey
from poolsweep.report.distinct_names import distinct_names
from poolsweep.runs.race import Dropped, RaceRecord
from poolsweep.sweep.race.analysis import analysis_level, interim_analysis
from poolsweep.sweep.race.options import RaceOptions
from poolsweep.sweep.race.settings import SeedGrid, Setting


class Rounds:
    """Which runs a race still wants, decided by the results of those it wanted before, and by nothing else.

    Args:
        grid: Settings and seeds.
        options: The keys of ``race``.
    """

    def __init__(self, grid: SeedGrid, *, options: RaceOptions) -> None:
        self._grid = grid
        assert options.metric is not None
        self._options, self._metric = options, options.metric
        self._left = list(grid.settings)
        self._num_seeds = dict.fromkeys(grid.settings, min(options.min_seeds, len(grid.seeds)))
        self._records: dict[Arena, RaceRecord] = {}
        self._keys: dict[Setting, ContenderKey] = {}

    @property
    def records(self) -> tuple[RaceRecord, ...]:
        """What was decided so far, by data set."""
        return tuple(self._records.values())

    def wants(self, setting: Setting, place: int) -> bool:
        """Whether a setting is to be run on the seeds of a round."""
        return place < self._num_seeds[setting]

    def analyse(self, done: int, *, say: Callable[[RaceRecord], None]) -> bool:
        """The interim analysis after ``done`` rounds; returns whether there is anything left to run.

        Args:
            done: Number of rounds that have been run.
            say: Callback that is told of each data set that was analysed.
        """
        known = {setting: facts for setting in self._grid.settings if (facts := setting.facts) is not None}
        groups: dict[Arena, list[Setting]] = defaultdict(list)
        for setting, facts in zip(known, distinct_names([*known.values()]), strict=True):
            self._keys[setting] = ContenderKey.of(facts)
            if setting in self._left:
                groups[Arena.of(facts)].append(setting)
        going_on = [setting for setting in self._left if setting not in known]
        for group, settings in groups.items():
            latest = [setting for setting in settings if self._num_seeds[setting] == done]
            if latest:  # else the race over this data set is settled
                record = self._records.setdefault(group, self._new_record(group))
                self._drop(record, latest, done)
                going_on += self._going_on(record, [setting for setting in settings if setting in self._left], done)
                say(record)
        self._num_seeds |= dict.fromkeys(going_on, done + 1)
        return bool(going_on)

    def _drop(self, record: RaceRecord, settings: Sequence[Setting], done: int) -> None:
        level = analysis_level(done - self._options.min_seeds + 1, level=self._options.level)
        worse = interim_analysis(settings, rounds=done, metric=self._metric, level=level)
        for setting, why in worse.items():
            if setting.words.isdisjoint(self._options.keep):
                self._left.remove(setting)
                record.dropped.append(
                    Dropped(
                        tuple(self._keys[setting]), setting.name, done, why.behind, round(why.gap, 6),
                        round(why.p_value, 6), setting.run_ids(done), self._left_out(setting),
                    )
                )  # fmt: skip

    def _going_on(self, record: RaceRecord, left: Sequence[Setting], done: int) -> list[Setting]:
        """The settings of one data set that have further seeds; none where one contender alone is left."""
        record.left = tuple(dict.fromkeys(tuple(self._keys[setting]) for setting in left))
        record.settled = len(record.left) == 1 and bool(record.out)
        if record.settled:
            record.saved = tuple(name for setting in left for name in self._left_out(setting))
            return []
        return [setting for setting in left if any(place >= done for place in setting.runs)]

    def _left_out(self, setting: Setting) -> tuple[str, ...]:
        """The names of the runs of a setting that need not be made any more."""
        return tuple(
            job.name
            for place, job in sorted(setting.jobs.items())
            if not self.wants(setting, place) and job.folder.finished() is None
        )

    def _new_record(self, group: Arena) -> RaceRecord:
        return RaceRecord(group.data, str(group.rows), self._metric, self._options.level, self._grid.seeds)
