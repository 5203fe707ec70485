"""Who competes: the poolings of each data set and encoder, each with the setting that validation chose."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from poolsweep.report.results import RunRecord


@dataclass(frozen=True)
class Contender:
    """A pooling on one data set with one encoder.

    Attributes:
        name: Preset, or ``layers+tokens``.
        runs: Its finished runs by replicate: a seed, or the number of one where ``init_seed``, ``data_seed`` or
            ``data.split_seed`` was swept.
        failed: Its runs that did not finish, of the same setting.
        variants: How many settings of other swept axes it was chosen from, on validation.
    """

    name: str
    runs: Mapping[int, RunRecord]
    failed: tuple[RunRecord, ...]
    variants: int

    @property
    def any_run(self) -> RunRecord:
        """One of its runs, for what all of them share."""
        return next(iter(self.runs.values()))

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
    too, are replicates: never chosen among. A finished run without the metric counts as failed.

    Args:
        runs: Of one study or several.
        metric: Such as ``test/accuracy``.
    """
    places: dict[tuple[str, str], dict[str, list[RunRecord]]] = defaultdict(lambda: defaultdict(list))
    outdated: dict[tuple[str, str], list[RunRecord]] = defaultdict(list)
    for run in runs:
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
    variants: dict[str, list[RunRecord]] = defaultdict(list)
    for run in runs:
        if _counts(run, metric):
            variants[run.facts["variant"]].append(run)
    if not variants:
        return None
    chosen = _chosen(list(variants.values()), seeds)
    variant = chosen[0].facts["variant"]
    in_order = sorted(chosen, key=lambda run: (seeds[run.path.name], str(run.facts.get("started"))))
    by_seed = {seeds[run.path.name]: run for run in in_order}
    failed = tuple(
        run for run in runs if run.facts["variant"] == variant and not _counts(run, metric) and run.state != "pruned"
    )  # fmt: skip
    return Contender(name, by_seed, failed, len(variants))


def _counts(run: RunRecord, metric: str) -> bool:
    return run.finished and math.isfinite(run.metric(metric))


def _chosen(variants: Sequence[Sequence[RunRecord]], seeds: Mapping[str, int]) -> Sequence[RunRecord]:
    """The setting with the most replicates; of several, the best on validation over the replicates that all have."""
    had = [{seeds[run.path.name] for run in runs} for runs in variants]
    most = max(map(len, had))
    whole = [runs for runs, replicates in zip(variants, had, strict=True) if len(replicates) == most]
    common = set.intersection(*(replicates for replicates in had if len(replicates) == most))

    def quality(runs: Sequence[RunRecord]) -> float:
        shared = [run for run in runs if seeds[run.path.name] in common] or runs
        value = mean(run.metric(run.facts["monitor"]) for run in shared)
        return value if runs[0].facts["mode"] == "max" else -value

    return max(whole, key=quality)


def _seed_names(runs: Sequence[RunRecord]) -> dict[str, int]:
    """Run id → seed; where runs of a setting share it (``data.split_seed`` was swept, say), they are numbered."""
    places = Counter((run.facts["pooling"], run.facts["variant"], run.facts["seed"]) for run in runs)
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
