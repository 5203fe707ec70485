"""What a race decided about the contenders of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from poolsweep.report.contenders import Group
from poolsweep.sweep.race.record import Dropped, RaceRecord, read_races


def dropped_in_race(group: Group, *, metric: str) -> tuple[dict[str, Dropped], float]:
    """The contenders that a race dropped and that have had no run since, and what the race's looks may have spent.

    A pooling that was run on afterwards (by ``sweep=grid``, say) counts as any other, and so does every pooling where
    the race went by another metric than the report.

    Args:
        group: Of one data set and encoder.
        metric: Of the report, without its split.
    Returns:
        Pooling → why it was dropped, and 1 − the race's level; nothing and 0 without a race.
    """
    found: dict[str, Dropped] = {}
    spent = 0.0
    for record in _races_of(group):
        if (record.data, record.encoder, record.metric) != (group.data, group.encoder, metric):
            continue
        ran = _runs_when_dropped(record.dropped)
        for name, why in record.out.items():
            contender = group.contenders.get(name)
            if contender is not None and all(run.path.name in ran[name] for run in contender.runs.values()):
                found[name] = why
                spent = max(spent, 1 - record.level)
    if len(found) == len(group.contenders):  # what they were dropped for has no result any more
        return {}, 0.0
    return found, spent


def _races_of(group: Group) -> list[RaceRecord]:
    runs = [run for contender in group.contenders.values() for run in contender.runs.values()]
    return [record for study in sorted({run.path.parent for run in runs}) for record in read_races(study)]


def _runs_when_dropped(dropped: Iterable[Dropped]) -> Mapping[str, set[str]]:
    ran: dict[str, set[str]] = {}
    for one in dropped:
        ran.setdefault(one.pooling, set()).update(one.runs)
    return ran


def race_note(dropped: Mapping[str, Dropped]) -> str:
    """Who was dropped and when, in one line; empty without a race.

    Example:
        >>> one = Dropped("cls", "pooling=cls", 2, "pooling=max", -0.1, 0.0001, (), ())
        >>> race_note({"cls": one})
        'Dropped by the race, on validation: cls after 2 seeds.'
    """
    if not dropped:
        return ""
    by_seeds: dict[int, list[str]] = {}
    for name, why in dropped.items():
        by_seeds.setdefault(why.seeds, []).append(name)
    listed = "; ".join(f"{', '.join(names)} after {seeds} seeds" for seeds, names in sorted(by_seeds.items()))
    return f"Dropped by the race, on validation: {listed}."


def race_cautions(dropped: Mapping[str, Dropped], *, means: Mapping[str, float]) -> list[tuple[bool, str]]:
    """What a reader must know of a race: each sentence with whether it undermines the verdict.

    Args:
        dropped: As :func:`dropped_in_race` gives them.
        means: Test score of every contender.
    """
    if not dropped:
        return []
    sentence = (
        f"{race_note(dropped)} They have fewer seeds than the others by design, and their means, over the seeds that "
        "dropped them, are a little low; race.json has the reasons. A baseline keeps its seeds with race.keep=[NAME]."
    )
    best = max((mean for name, mean in means.items() if name not in dropped), default=0.0)
    better = [name for name in dropped if means.get(name, 0.0) >= best]
    found = [(False, sentence)]
    if better:
        found.append((
            True,
            f"Dropped by the race on validation, yet not below the best on test: {', '.join(better)}. Validation and "
            "test rows differ, or it was chance: sweep=grid runs the seeds that are missing.",
        ))  # fmt: skip
    return found
