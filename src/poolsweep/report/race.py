"""The contenders of a comparison that a race dropped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from poolsweep.report.contenders import Group
from poolsweep.runs.race import Dropped, RaceRecord, read_races


def dropped_by_race(group: Group, *, metric: str) -> Mapping[str, Dropped]:
    """The contenders that a race of the study dropped, as far as that still holds, with the reasons.

    One that was run on afterwards (by ``sweep=grid``, say) counts as any other, and so does every one where the race
    went by another metric than the report.

    Args:
        group: Contenders that are compared.
        metric: Metric of the report, without its split.
    """
    dropped: dict[str, Dropped] = {}
    for record in _races_of(group):
        if (record.data, record.rows, record.metric) == (group.data, str(group.arena.rows), metric):
            ran, out = _runs_then(record.dropped), record.out
            for name, contender in group.contenders.items():
                key = tuple(contender.key)
                if key in out and all(run.path.name in ran[key] for run in contender.runs.values()):
                    dropped[name] = out[key]
    # Where all were dropped, what they were dropped for has no result any more.
    return dropped if len(dropped) < len(group.contenders) else {}


def _races_of(group: Group) -> list[RaceRecord]:
    runs = [run for contender in group.contenders.values() for run in contender.runs.values()]
    return [record for study in sorted({run.path.parent for run in runs}) for record in read_races(study)]


def _runs_then(decided: Iterable[Dropped]) -> Mapping[tuple[str, ...], set[str]]:
    ran: dict[tuple[str, ...], set[str]] = {}
    for one in decided:
        ran.setdefault(one.key, set()).update(one.runs)
    return ran


def race_note(dropped: Mapping[str, Dropped]) -> str:
    """The contenders that a race dropped, and after how many seeds, in a line; empty without a race.

    Example:
        >>> one = Dropped(("e", "cls", "probe"), "pooling=cls", 2, "pooling=max", -0.1, 0.0001, (), ())
        >>> race_note({"cls": one})
        'Dropped by the race, on validation: cls after 2 seeds.'
    """
    by_seeds: dict[int, list[str]] = {}
    for name, one in dropped.items():
        by_seeds.setdefault(one.seeds, []).append(name)
    listed = [f"{', '.join(names)} after {seeds} seeds" for seeds, names in sorted(by_seeds.items())]
    return f"Dropped by the race, on validation: {'; '.join(listed)}." if listed else ""


def race_cautions(dropped: Mapping[str, Dropped], *, scores: Mapping[str, float]) -> list[tuple[bool, str]]:
    """What a reader must know of a race: each sentence with whether it undermines the verdict.

    Args:
        dropped: Contenders that a race dropped.
        scores: Mean test score of every contender, the higher the better.
    """
    if not dropped:
        return []
    found = [(
        False,
        f"{race_note(dropped)} They have fewer seeds than the others by design; race.json has the reasons. Their means "
        "are a little pessimistic: they are over the seeds that decided. race.keep=[NAME] keeps a baseline.",
    )]  # fmt: skip
    best = max((score for name, score in scores.items() if name not in dropped), default=-math.inf)
    better = [name for name in dropped if name in scores and scores[name] >= best]
    if better:
        found.append((
            True,
            f"Dropped by the race on validation, yet not below the best on test: {', '.join(better)}. Validation and "
            "test rows differ, or it was chance: sweep=grid runs the seeds that are missing.",
        ))  # fmt: skip
    return found
