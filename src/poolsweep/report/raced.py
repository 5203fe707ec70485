"""What a race decided about the contenders of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from poolsweep.report.contenders import Group
from poolsweep.runs.race import Dropped, RaceRecord, Rested, read_races


@dataclass(frozen=True)
class Raced:
    """What a race decided about contenders that have had no run since.

    Attributes:
        dropped: Pooling → why; they cannot be the best.
        rested: Pooling → its verdict, which was settled before it had every seed.
        record: Of the race that decided so; None without one.
    """

    dropped: Mapping[str, Dropped] = field(default_factory=dict)
    rested: Mapping[str, Rested] = field(default_factory=dict)
    record: RaceRecord | None = None

    @property
    def lost(self) -> tuple[str, ...]:
        """Those that are not among the leading any more: dropped, or settled as not tied."""
        return (*self.dropped, *(name for name, one in self.rested.items() if not one.tied))

    @property
    def tied(self) -> tuple[str, ...]:
        """Those that are settled as tied with the best."""
        return tuple(name for name, one in self.rested.items() if one.tied)

    @property
    def names(self) -> set[str]:
        """All that have fewer seeds by design."""
        return {*self.dropped, *self.rested}

    def verdict_level(self, level: float) -> float:
        """The level of the verdict on the others, such that race and verdict together keep ``level``."""
        return self.record.verdict_level(level) if self.record else level


def raced(group: Group, *, metric: str) -> Raced:
    """What the race of a study decided, as far as it still holds.

    A pooling that was run on afterwards (by ``sweep=grid``, say) counts as any other, and so does every pooling where
    the race went by another metric than the report.

    Args:
        group: Of one data set and encoder.
        metric: Of the report, without its split.
    """
    dropped: dict[str, Dropped] = {}
    rested: dict[str, Rested] = {}
    used = None
    for record in _races_of(group):
        if (record.data, record.encoder, record.metric) != (group.data, group.encoder, metric):
            continue
        ran = _runs_then([*record.dropped, *record.rested])
        held = {
            name
            for name, contender in group.contenders.items()
            if name in ran and all(run.path.name in ran[name] for run in contender.runs.values())
        }
        dropped |= {name: why for name, why in record.out.items() if name in held}
        rested |= {one.pooling: one for one in record.rested if one.pooling in held}
        used = record if held else used
    if len(dropped) == len(group.contenders):  # what they were dropped for has no result any more
        return Raced()
    return Raced(dropped, rested, used)


def _races_of(group: Group) -> list[RaceRecord]:
    runs = [run for contender in group.contenders.values() for run in contender.runs.values()]
    return [record for study in sorted({run.path.parent for run in runs}) for record in read_races(study)]


def _runs_then(decided: Iterable[Dropped | Rested]) -> Mapping[str, set[str]]:
    ran: dict[str, set[str]] = {}
    for one in decided:
        ran.setdefault(one.pooling, set()).update(one.runs)
    return ran


def race_note(raced: Raced) -> str:
    """Who was dropped, who rests, and since when, in a line or two; empty without a race.

    Example:
        >>> one = Dropped("cls", "pooling=cls", 2, "pooling=max", -0.1, 0.0001, (), ())
        >>> race_note(Raced({"cls": one}, {"max": Rested("max", "pooling=max", 3, True, 0.93, (), ())}))
        'Dropped by the race, on validation: cls after 2 seeds. Settled early: max after 3 seeds as tied.'
    """
    parts = []
    if raced.dropped:
        after = {name: f"after {one.seeds} seeds" for name, one in raced.dropped.items()}
        parts.append(f"Dropped by the race, on validation: {_grouped(after)}.")
    if raced.rested:
        after = {
            name: f"after {one.seeds} seeds as {'' if one.tied else 'not '}tied" for name, one in raced.rested.items()
        }
        parts.append(f"Settled early: {_grouped(after)}.")
    return " ".join(parts)


def _grouped(after: Mapping[str, str]) -> str:
    """``a, b after 2 seeds; c after 3 seeds``."""
    by_text: dict[str, list[str]] = {}
    for name, text in after.items():
        by_text.setdefault(text, []).append(name)
    return "; ".join(f"{', '.join(names)} {text}" for text, names in sorted(by_text.items()))


def race_cautions(raced: Raced, *, means: Mapping[str, float]) -> list[tuple[bool, str]]:
    """What a reader must know of a race: each sentence with whether it undermines the verdict.

    Args:
        raced: What the race decided.
        means: Test score of every contender.
    """
    if not raced.names:
        return []
    found = [(
        False,
        f"{race_note(raced)} They have fewer seeds than the others by design, race.json has the reasons."
        f"{_leaning(raced)} A baseline keeps its seeds with race.keep=[NAME].",
    )]  # fmt: skip
    best = max((mean for name, mean in means.items() if name not in raced.lost), default=0.0)
    better = [name for name in raced.dropped if means.get(name, 0.0) >= best]
    if better:
        found.append((
            True,
            f"Dropped by the race on validation, yet not below the best on test: {', '.join(better)}. Validation and "
            "test rows differ, or it was chance: sweep=grid runs the seeds that are missing.",
        ))  # fmt: skip
    return found


def _leaning(raced: Raced) -> str:
    """Which way the means of those lean that were stopped by their results."""
    told = ""
    if raced.lost:
        told += f" The means of {', '.join(raced.lost)} are a little low, being over the seeds that decided."
    if raced.tied:
        least = min(raced.rested[name].chance for name in raced.tied)
        told += (
            f" {', '.join(raced.tied)} would be tied with every seed too with a probability of at least {least:.2f} "
            "each; their means are a little high."
        )
    return told
