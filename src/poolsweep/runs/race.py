"""race.json: what a race decided, for the report, and for who asks why a run was never made.

A race itself never reads it: what it decides follows from the results of the runs alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from poolsweep.files.writing import read_json, write_json
from poolsweep.runs.lock import guard_of

_FILE = "race.json"
_VERSION = 4


@dataclass(frozen=True)
class Dropped:
    """One setting that was dropped, and why.

    Attributes:
        key: Encoder, pooling and regime of its contender.
        name: Overrides without the seeds; tells settings of one contender apart.
        seeds: Number of its seeds then.
        behind: Name of the setting with the highest mean at that analysis.
        gap: Difference of the validation means, negative.
        p_value: p-value against its being the best, adjusted for all that were compared.
        runs: Ids of its runs at that analysis.
        saved: The runs that were not made, as they would have been typed.
    """

    key: tuple[str, ...]
    name: str
    seeds: int
    behind: str
    gap: float
    p_value: float
    runs: tuple[str, ...]
    saved: tuple[str, ...]


@dataclass
class RaceRecord:
    """What a race decided about one data set.

    Attributes:
        data: Data set.
        rows: How many training rows were asked for, in words.
        metric: Metric of the validation split that decided.
        level: Probability that no interim analysis drops the best.
        seeds: All seeds, in the order of the rounds.
        dropped: Settings that were dropped, in that order.
        settled: Whether it ended early, because one contender alone was left.
        saved: Further runs of the one that was left.
        left: Encoder, pooling and regime of the contenders that were not dropped.
    """

    data: str
    rows: str
    metric: str
    level: float
    seeds: tuple[str, ...]
    dropped: list[Dropped] = field(default_factory=list)
    settled: bool = False
    saved: tuple[str, ...] = ()
    left: tuple[tuple[str, ...], ...] = ()

    @property
    def out(self) -> dict[tuple[str, ...], Dropped]:
        """Contender → its last setting that was dropped, for those of which none is left."""
        return {one.key: one for one in self.dropped if one.key not in self.left}

    @property
    def num_saved(self) -> int:
        """How many runs were not made."""
        return len(self.saved) + sum(len(one.saved) for one in self.dropped)


def write_races(study: Path, records: Sequence[RaceRecord]) -> None:
    """Write what races of a study decided; an earlier race on the same data set gives way.

    Args:
        study: Folder of the study.
        records: One for each data set.
    """
    study.mkdir(parents=True, exist_ok=True)
    with guard_of(study):
        present = {(one.data, one.rows, one.metric) for one in records}
        kept = [one for one in read_races(study) if (one.data, one.rows, one.metric) not in present]
        content = {"schema_version": _VERSION, "races": [asdict(one) for one in [*kept, *records]]}
        if read_json(study / _FILE) != _as_read(content):
            write_json(study / _FILE, content)


def read_races(study: Path) -> list[RaceRecord]:
    """What the races of a study decided; none where there was no race, or its file cannot be read.

    Args:
        study: Folder of the study.
    """
    content = read_json(study / _FILE)
    if not isinstance(content, dict) or content.get("schema_version") != _VERSION:
        return []
    try:
        return [_race(one) for one in content["races"]]
    except (KeyError, TypeError):
        return []


def _race(record: Mapping[str, Any]) -> RaceRecord:
    words = ("key", "runs", "saved")
    dropped = [Dropped(**one | {key: _words(one[key]) for key in words}) for one in record["dropped"]]
    lists = {key: _words(record[key]) for key in ("seeds", "saved")} | {"left": tuple(map(_words, record["left"]))}
    return RaceRecord(**{**record, **lists, "dropped": dropped})


def _words(value: Any) -> tuple[str, ...]:  # noqa: ANN401
    if not (isinstance(value, list) and all(isinstance(word, str) for word in value)):
        raise TypeError(f"a list of words is wanted, got {value!r}")
    return tuple(value)


def _as_read(content: Any) -> Any:  # noqa: ANN401
    """Tuples as the lists that JSON makes of them."""
    if isinstance(content, dict):
        return {key: _as_read(value) for key, value in content.items()}
    return [_as_read(value) for value in content] if isinstance(content, list | tuple) else content
