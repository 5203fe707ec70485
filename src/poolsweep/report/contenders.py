"""Who competes: the contenders of each data set, with their settings and replicates."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import mean, median
from typing import Any

from poolsweep.report.contender_key import Arena, ContenderKey, Facts, TrainingRows, contender_names
from poolsweep.report.predicted import Predicted
from poolsweep.report.replicates import Replicate, Wording, find_replicates
from poolsweep.report.results import RunRecord

Predictions = Mapping[str, Mapping[Replicate, Predicted]]


@dataclass(frozen=True)
class Contender:
    """An encoder with a pooling and a regime, on one data set.

    Attributes:
        name: Pooling, with its encoder and its regime where not all contenders share these.
        key: Encoder, pooling and regime.
        runs: Finished runs by replicate.
        failed: Runs of the same setting that did not finish.
        settings: How many settings of other swept axes it was chosen from, on validation.
        strays: Finished runs of other settings, on replicates that the chosen one lacks.
    """

    name: str
    key: ContenderKey
    runs: Mapping[Replicate, RunRecord]
    failed: tuple[RunRecord, ...]
    settings: int
    strays: tuple[RunRecord, ...] = ()

    @property
    def any_run(self) -> RunRecord:
        """One of its runs, for what all of them share."""
        return next(iter(self.runs.values()))

    @property
    def replicates(self) -> tuple[RunRecord, ...]:
        """Its runs, by replicate."""
        return tuple(self.runs[replicate] for replicate in sorted(self.runs))

    def typical(self, *keys: str) -> float:
        """The median over its runs of a number in their results, such as ``"peak_memory_mib", "process"``."""
        found = [value for run in self.runs.values() if isinstance(value := _at(run.facts, keys), int | float)]
        return float(median(found)) if found else math.nan


@dataclass(frozen=True)
class Group:
    """All contenders on one data set and number of training rows; only these can be compared.

    Attributes:
        arena: What they share.
        contenders: By name, sorted by encoder, regime and pooling; each has at least one finished run.
        names: Name of every contender, those without a finished run too.
        replicates: Run id → replicate, of all runs.
        most_rows: The most training rows that a run on the data set had, whatever it asked for.
        without_result: Runs of contenders none of whose runs finished.
        outdated: Finished runs on files that have been replaced since, which are left out.
    """

    arena: Arena
    contenders: Mapping[str, Contender]
    names: Mapping[ContenderKey, str]
    replicates: Mapping[str, Replicate]
    most_rows: int
    without_result: tuple[RunRecord, ...]
    outdated: tuple[RunRecord, ...] = ()

    @property
    def data(self) -> str:
        """Data set."""
        return self.arena.data

    @property
    def encoders(self) -> tuple[str, ...]:
        """Encoders of the contenders, sorted."""
        return tuple(sorted({contender.key.encoder for contender in self.contenders.values()}))

    @property
    def title(self) -> str:
        """Data set, encoders and, unless that is all, the number of training rows."""
        encoders = ", ".join(self.encoders) if len(self.encoders) < 4 else f"{len(self.encoders)} encoders"
        rows = [] if self.arena.rows == TrainingRows() else [str(self.arena.rows)]
        return " · ".join([self.data, encoders, *rows])

    @cached_property
    def wording(self) -> Wording:
        """How its replicates are called."""
        return Wording.of(self.replicates.values())

    def name_of(self, run: RunRecord) -> str:
        """Name of the contender that a run belongs to."""
        return self.names[ContenderKey.of(run.facts)]

    def called(self, word: str) -> tuple[str, ...]:
        """Names of the contenders that a word means: the one of that name, else all of that pooling."""
        if word in self.contenders:
            return (word,)
        return tuple(name for name, contender in self.contenders.items() if contender.key.pooling == word)


def group_runs(runs: Sequence[RunRecord], *, metric: str | None = None) -> list[Group]:
    """Sort runs into contenders, ordered by data set; all training rows before fewer of them.

    Axes swept beside the replicates (a learning rate, say) are chosen per contender by the mean of the monitored
    validation metric, among the settings with the most replicates; what a search ended early does not count. Replicates
    are never chosen among. A finished run without the metric counts as failed, and a refit does not compete.

    Args:
        runs: Runs of one study or several.
        metric: Such as ``test/accuracy``; None = the first metric of each run.
    """
    arenas: dict[Arena, dict[ContenderKey, list[RunRecord]]] = defaultdict(lambda: defaultdict(list))
    outdated: dict[Arena, list[RunRecord]] = defaultdict(list)
    for run in (run for run in runs if not run.is_refit and run.is_known):
        if "outdated" in run.facts:
            outdated[Arena.of(run.facts)] += [run] if run.finished else []
        else:
            arenas[Arena.of(run.facts)][ContenderKey.of(run.facts)].append(run)
    most_rows: dict[tuple[str, str], int] = defaultdict(int)
    for arena, by_key in arenas.items():
        sizes = [(run.facts.get("sizes") or {}).get("train", 0) for several in by_key.values() for run in several]
        most_rows[arena[:2]] = max(most_rows[arena[:2]], *sizes)
    groups = []
    for arena, by_key in sorted(arenas.items(), key=lambda item: item[0].order):
        replicates = find_replicates(by_key)
        names = contender_names(sorted(by_key, key=lambda key: key.order))
        contenders, without = {}, []
        for key, name in names.items():
            contender = _contender(name, key, by_key[key], metric=metric, replicates=replicates)
            if contender is None:
                without += [run for run in by_key[key] if run.state != "pruned"]
            else:
                contenders[name] = contender
        left = tuple(without), tuple(outdated[arena])
        groups.append(Group(arena, contenders, names, replicates, most_rows[arena[:2]], *left))
    return groups


def leads(groups: Sequence[Group]) -> list[Group]:
    """The group with the most training rows of each data set and task.

    Args:
        groups: In the order of ``group_runs``.
    """
    first: dict[tuple[str, str], Group] = {}
    for group in groups:
        first.setdefault(group.arena[:2], group)
    return list(first.values())


def _contender(
    name: str, key: ContenderKey, runs: Sequence[RunRecord], *, metric: str | None, replicates: Mapping[str, Replicate]
) -> Contender | None:
    settings: dict[str, list[RunRecord]] = defaultdict(list)
    for run in runs:
        if _counts(run, metric):
            settings[run.facts["setting"]].append(run)
    if not settings:
        return None
    chosen = _chosen(list(settings.values()), replicates)
    setting = chosen[0].facts["setting"]
    in_order = sorted(chosen, key=lambda run: (replicates[run.path.name], str(run.facts.get("started"))))
    by_replicate = {replicates[run.path.name]: run for run in in_order}
    failed = tuple(
        run for run in runs if run.facts["setting"] == setting and not _counts(run, metric) and run.state != "pruned"
    )  # fmt: skip
    others = [run for runs in settings.values() for run in runs if run.facts["setting"] != setting]
    strays = tuple(run for run in others if replicates[run.path.name] not in by_replicate)
    return Contender(name, key, by_replicate, failed, len(settings), strays)


def _counts(run: RunRecord, metric: str | None) -> bool:
    return run.finished and math.isfinite(run.metric(metric or f"test/{first_metric(run)}"))


def first_metric(run: RunRecord) -> str:
    """The metric that a leaderboard ranks by unless another is asked for."""
    return str((run.facts.get("measured") or ["accuracy"])[0])


def _chosen(settings: Sequence[Sequence[RunRecord]], replicates: Mapping[str, Replicate]) -> Sequence[RunRecord]:
    """The setting with the most replicates; of several, the best on validation over the replicates that all have."""
    had = [{replicates[run.path.name] for run in runs} for runs in settings]
    most = max(map(len, had))
    whole = [runs for runs, own in zip(settings, had, strict=True) if len(own) == most]
    common = set.intersection(*(own for own in had if len(own) == most))

    def quality(runs: Sequence[RunRecord]) -> float:
        shared = [run for run in runs if replicates[run.path.name] in common] or runs
        value = mean(run.metric(run.facts["monitor"]) for run in shared)
        return value if runs[0].facts["mode"] == "max" else -value

    return max(whole, key=quality)


def _at(facts: Facts, keys: Sequence[str]) -> Any:  # noqa: ANN401
    for key in keys:
        facts = facts.get(key) if isinstance(facts, Mapping) else None  # type: ignore[assignment]
    return facts
