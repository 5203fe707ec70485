"""Who competes: the poolings of each data set and encoder, with their settings, replicates and test rows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

from poolsweep.report.predicted import Predicted
from poolsweep.report.results import RunRecord

Predictions = Mapping[str, Mapping[int, Predicted]]


@dataclass(frozen=True)
class Contender:
    """A pooling on one data set with one encoder.

    Attributes:
        name: Preset, or ``layers+tokens``.
        runs: Finished runs by replicate: a seed, or the number of one where ``init_seed``, ``data_seed`` or
            ``data.split_seed`` was swept.
        failed: Runs of the same setting that did not finish.
        settings: How many settings of other swept axes it was chosen from, on validation.
    """

    name: str
    runs: Mapping[int, RunRecord]
    failed: tuple[RunRecord, ...]
    settings: int

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
    """All contenders on one data set with one encoder; only these can be compared.

    Attributes:
        data: Data set.
        encoder: Encoder.
        contenders: By name; each has at least one finished run.
        without_result: Runs of poolings none of whose runs finished.
        outdated: Finished runs on files that have been replaced since, which are left out.
    """

    data: str
    encoder: str
    contenders: Mapping[str, Contender]
    without_result: tuple[RunRecord, ...]
    outdated: tuple[RunRecord, ...] = ()


def group_runs(runs: Sequence[RunRecord], *, metric: str) -> list[Group]:
    """Sort runs into contenders, ordered by data set and encoder.

    Axes swept beside the seeds (a learning rate, say) are chosen per pooling by the mean of the monitored validation
    metric, among the settings with the most seeds; what a search ended early does not count. Seeds, those of splits
    too, are replicates: never chosen among. A finished run without the metric counts as failed, and a refit does not
    compete.

    Args:
        runs: Runs of one study or several.
        metric: Such as ``test/accuracy``.
    """
    places: dict[tuple[str, str], dict[str, list[RunRecord]]] = defaultdict(lambda: defaultdict(list))
    outdated: dict[tuple[str, str], list[RunRecord]] = defaultdict(list)
    for run in (run for run in runs if not run.is_refit):
        if run.is_known and "outdated" in run.facts:
            outdated[run.facts["data"], run.facts["encoder"]] += [run] if run.finished else []
        elif run.is_known:
            places[run.facts["data"], run.facts["encoder"]][run.facts["pooling"]].append(run)
    groups = []
    for (data, encoder), poolings in sorted(places.items()):
        seeds = _seed_names([run for several in poolings.values() for run in several])
        contenders, without = {}, []
        for name, several in sorted(poolings.items()):
            contender = _contender(name, several, metric=metric, seeds=seeds)
            if contender is None:
                without += [run for run in several if run.state != "pruned"]
            else:
                contenders[name] = contender
        groups.append(Group(data, encoder, contenders, tuple(without), tuple(outdated[data, encoder])))
    return groups


def _contender(name: str, runs: Sequence[RunRecord], *, metric: str, seeds: Mapping[str, int]) -> Contender | None:
    settings: dict[str, list[RunRecord]] = defaultdict(list)
    for run in runs:
        if _counts(run, metric):
            settings[run.facts["setting"]].append(run)
    if not settings:
        return None
    chosen = _chosen(list(settings.values()), seeds)
    setting = chosen[0].facts["setting"]
    in_order = sorted(chosen, key=lambda run: (seeds[run.path.name], str(run.facts.get("started"))))
    by_seed = {seeds[run.path.name]: run for run in in_order}
    failed = tuple(
        run for run in runs if run.facts["setting"] == setting and not _counts(run, metric) and run.state != "pruned"
    )  # fmt: skip
    return Contender(name, by_seed, failed, len(settings))


def _counts(run: RunRecord, metric: str) -> bool:
    return run.finished and math.isfinite(run.metric(metric))


def _chosen(settings: Sequence[Sequence[RunRecord]], seeds: Mapping[str, int]) -> Sequence[RunRecord]:
    """The setting with the most replicates; of several, the best on validation over the replicates that all have."""
    had = [{seeds[run.path.name] for run in runs} for runs in settings]
    most = max(map(len, had))
    whole = [runs for runs, replicates in zip(settings, had, strict=True) if len(replicates) == most]
    common = set.intersection(*(replicates for replicates in had if len(replicates) == most))

    def quality(runs: Sequence[RunRecord]) -> float:
        shared = [run for run in runs if seeds[run.path.name] in common] or runs
        value = mean(run.metric(run.facts["monitor"]) for run in shared)
        return value if runs[0].facts["mode"] == "max" else -value

    return max(whole, key=quality)


def _seed_names(runs: Sequence[RunRecord]) -> dict[str, int]:
    """Run id → seed; where runs of a setting share it (``data.split_seed`` was swept, say), they are numbered."""
    places = Counter((run.facts["pooling"], run.facts["setting"], run.facts["seed"]) for run in runs)
    if max(places.values()) == 1:
        return {run.path.name: int(run.facts["seed"]) for run in runs}
    drawn = {run.path.name: all_seeds(run) for run in runs}
    order = {seeds: i for i, seeds in enumerate(sorted(set(drawn.values())))}
    return {name: order[seeds] for name, seeds in drawn.items()}


def all_seeds(run: RunRecord) -> tuple[int, int, int, int]:
    """``seed``, ``init_seed``, ``data_seed`` and ``data.split_seed`` of a run."""
    seed = int(run.facts["seed"])
    split = (run.config.get("data") or {}).get("split_seed")
    init_seed, data_seed = (int(run.config.get(key, seed)) for key in ("init_seed", "data_seed"))
    return seed, init_seed, data_seed, split if isinstance(split, int) else 0


def _at(facts: Mapping[str, Any], keys: Sequence[str]) -> Any:  # noqa: ANN401
    for key in keys:
        facts = facts.get(key) if isinstance(facts, Mapping) else None  # type: ignore[assignment]
    return facts


@dataclass(frozen=True)
class Splits:
    """Which replicates of which contenders were tested on the same rows.

    Attributes:
        of: Contender → replicate → a fingerprint of its test rows, or what is known of it.
        common: The splits that all ``compared`` have.
        compared: Contenders that have these; others keep the mean over their own splits, and are held against nobody.
    """

    of: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    common: frozenset[str] = frozenset()
    compared: tuple[str, ...] = ()

    def left_out(self, name: str) -> list[int]:
        """The replicates of a compared contender that not all others have."""
        own = self.of.get(name, {}) if name in self.compared else {}
        return sorted(replicate for replicate, split in own.items() if split not in self.common)

    def values(self, name: str, by_replicate: Mapping[int, float]) -> dict[int, float]:
        """The metric of the replicates that count: all, or those on the splits that all have."""
        away = self.left_out(name)
        return {replicate: value for replicate, value in by_replicate.items() if replicate not in away}

    def means(self, name: str, by_replicate: Mapping[int, float]) -> list[float]:
        """The mean on each split, so that one with more seeds counts no more than the others."""
        by_split: dict[str, list[float]] = {}
        for replicate, value in by_replicate.items():
            by_split.setdefault(self.of[name][replicate], []).append(value)
        return [sum(values) / len(values) for values in by_split.values()]


def find_splits(contenders: Mapping[str, Contender], predictions: Predictions) -> Splits | None:
    """Tell splits apart by the rows that were tested, or by ``split_seed`` where no predictions are left.

    Args:
        contenders: By name.
        predictions: Contender → replicate → its predictions on the test split.
    Returns:
        None if all runs were tested on the same rows.
    """
    if predictions:
        of = {name: {seed: p.rows_hash for seed, p in by_seed.items()} for name, by_seed in predictions.items()}
    else:
        of = {
            name: {seed: str((run.config.get("data") or {}).get("split_seed")) for seed, run in contender.runs.items()}
            for name, contender in contenders.items()
        }
    if len({split for by_seed in of.values() for split in by_seed.values()}) < 2:
        return None
    unknown = {n: dict.fromkeys(c.runs, "unknown") | dict(of.get(n, {})) for n, c in contenders.items()}
    compared = _with_something_in_common({name: set(by_seed.values()) for name, by_seed in of.items()})
    common = frozenset.intersection(*(frozenset(of[name].values()) for name in compared))
    return Splits(unknown, common, compared)


def _with_something_in_common(had: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """As many contenders as share a split, the scarcest left out first.

    Example:
        >>> _with_something_in_common({"a": {"x", "y"}, "b": {"z"}, "c": {"y"}})
        ('a', 'c')
    """
    kept = {name: set(splits) for name, splits in had.items()}
    while not set.intersection(*kept.values()):
        shared = {n: sum(bool(own & other) for o, other in kept.items() if o != n) for n, own in kept.items()}
        del kept[min(kept, key=lambda name: (shared[name], len(kept[name])))]
    return tuple(kept)
