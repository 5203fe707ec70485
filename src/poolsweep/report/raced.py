"""What a race decided about the contenders of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from poolsweep.report.contenders import Group
from poolsweep.runs.race import Dropped, RaceRecord, read_races


@dataclass(frozen=True)
class Raced:
    """What a race decided about contenders that have had no run since.

    Attributes:
        dropped: Pooling → why; they cannot be the best.
    """

    dropped: Mapping[str, Dropped] = field(default_factory=dict)


def raced(group: Group, *, metric: str) -> Raced:
    """What the race of a study decided, as far as it still holds.

    A pooling that was run on afterwards (by ``sweep=grid``, say) counts as any other, and so does every pooling where
    the race went by another metric than the report.

    Args:
        group: Contenders on one data set with one encoder.
        metric: Metric of the report, without its split.
    """
    dropped: dict[str, Dropped] = {}
    for record in _races_of(group):
        if (record.data, record.encoder, record.metric) != (group.data, group.encoder, metric):
            continue
        ran = _runs_then(record.dropped)
        held = {
            name
            for name, contender in group.contenders.items()
            if name in ran and all(run.path.name in ran[name] for run in contender.runs.values())
        }
        dropped |= {name: why for name, why in record.out.items() if name in held}
    if len(dropped) == len(group.contenders):  # what they were dropped for has no result any more
        return Raced()
    return Raced(dropped)


def _races_of(group: Group) -> list[RaceRecord]:
    runs = [run for contender in group.contenders.values() for run in contender.runs.values()]
    return [record for study in sorted({run.path.parent for run in runs}) for record in read_races(study)]


def _runs_then(decided: Iterable[Dropped]) -> Mapping[str, set[str]]:
    ran: dict[str, set[str]] = {}
    for one in decided:
        ran.setdefault(one.pooling, set()).update(one.runs)
    return ran


def race_note(raced: Raced) -> str:
    """Who was dropped, and after how many seeds, in a line; empty without a race.

    Example:
        >>> one = Dropped("cls", "pooling=cls", 2, "pooling=max", -0.1, 0.0001, (), ())
        >>> race_note(Raced({"cls": one}))
        'Dropped by the race, on validation: cls after 2 seeds.'
    """
    by_seeds: dict[int, list[str]] = {}
    for name, one in raced.dropped.items():
        by_seeds.setdefault(one.seeds, []).append(name)
    listed = [f"{', '.join(names)} after {seeds} seeds" for seeds, names in sorted(by_seeds.items())]
    return f"Dropped by the race, on validation: {'; '.join(listed)}." if listed else ""


def race_cautions(raced: Raced, *, means: Mapping[str, float]) -> list[tuple[bool, str]]:
    """What a reader must know of a race: each sentence with whether it undermines the verdict.

    Args:
        raced: What the race decided.
        means: Test score of every contender.
    """
    if not raced.dropped:
        return []
    found = [(
        False,
        f"{race_note(raced)} They have fewer seeds than the others by design; race.json has the reasons. Their means "
        "are a little low, being over the seeds that decided. A baseline keeps its seeds with race.keep=[NAME].",
    )]  # fmt: skip
    best = max((mean for name, mean in means.items() if name not in raced.dropped), default=0.0)
    better = [name for name in raced.dropped if means.get(name, 0.0) >= best]
    if better:
        found.append((
            True,
            f"Dropped by the race on validation, yet not below the best on test: {', '.join(better)}. Validation and "
            "test rows differ, or it was chance: sweep=grid runs the seeds that are missing.",
        ))  # fmt: skip
    return found
