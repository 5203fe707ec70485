"""The verdict on one group: who leads, who is tied with the best, what differs from the baseline."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from poolsweep.report.contenders import Contender, Group, Predictions, first_metric
from poolsweep.report.predicted import Predicted, read_predictions
from poolsweep.report.race import dropped_by_race
from poolsweep.report.replicates import Replicate, Splits, find_splits
from poolsweep.runs.race import Dropped
from poolsweep.statistics import (
    Estimate,
    Family,
    Pairwise,
    Scores,
    SeedSummary,
    align_scores,
    pairwise_differences,
    pairwise_nested,
    seed_summary,
    simultaneous,
)

Basis = Literal["seeds and texts", "texts", "seeds", "splits", "one seed", "nothing"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that is known about one group.

    Attributes:
        group: The contenders.
        metric: Without its split, such as ``accuracy``.
        names: All contenders, best mean first; those that a race dropped come after the others.
        values: The metric by replicate, by contender.
        summaries: Mean, sd and t interval over replicates, by contender; no interval over splits.
        predictions: Contender → replicate → predictions on the test split, where they can be read.
        basis: What differences are made of: seeds and texts; texts alone (nothing is random); seeds alone (no
            predictions); splits (runs were tested on rows of their own), one seed, or nothing: these three give no
            interval and no verdict.
        scores: Per-example scores of those that were tested on the same rows.
        pairwise: All differences of those that are compared; None where nothing can be.
        family: The same, held together.
        asked_baseline: Contender to hold the others against, by its name or its pooling.
        baseline: Name of the first that is meant; None if there is none, or a race has stopped it.
        against: Each other compared contender minus the baseline, as the family has it.
        dropped: Contenders that a race dropped, with the reasons; they are not in the verdict.
        splits: Splits of runs that were tested on rows of their own; else None.
    """

    group: Group
    metric: str
    names: tuple[str, ...]
    values: Mapping[str, Mapping[Replicate, float]]
    summaries: Mapping[str, SeedSummary]
    predictions: Predictions
    basis: Basis
    scores: Mapping[str, Scores]
    pairwise: Pairwise | None
    family: Family | None
    asked_baseline: str
    baseline: str | None
    against: Mapping[str, Estimate]
    dropped: Mapping[str, Dropped] = field(default_factory=dict)
    splits: Splits | None = None

    @property
    def in_the_running(self) -> tuple[str, ...]:
        """Those that no race has dropped, best mean first."""
        return tuple(name for name in self.names if name not in self.dropped)

    @property
    def leading(self) -> tuple[str, ...]:
        """The contenders that could be the best, best mean first; empty where nothing can be compared."""
        among = [name for name in self.in_the_running if name in self.compared]
        if self.family is None or not among:
            return ()
        told = self.family.leading(among)
        return tuple(name for name in among if name in told)

    @property
    def star(self) -> str | None:
        """The one that is above every other by more than other seeds or texts could undo; None where there is none."""
        rivals = self.in_the_running
        sound = self.basis in ("seeds and texts", "texts") and set(rivals) <= set(self.compared)
        return self.leading[0] if sound and len(self.compared) > 1 and self.leading == rivals[:1] else None

    @property
    def compared(self) -> tuple[str, ...]:
        """Those the verdict is about."""
        return self.pairwise.names if self.pairwise else ()

    def contender(self, name: str) -> Contender:
        """A contender by its name."""
        return self.group.contenders[name]

    def difference(self, name: str, other: str) -> Estimate | None:
        """One mean minus another; without an interval where the two are not compared, None where they cannot be.

        Means over different splits are not held against each other.
        """
        if self.family and {name, other} <= set(self.compared):
            return self.family.between(name, other)
        if self.splits and not {name, other} <= set(self.splits.compared):
            return None
        gap = self.summaries[name].mean - self.summaries[other].mean
        shared = self.values[name].keys() & self.values[other].keys()
        if shared and not self.splits:
            gap = float(np.mean([self.values[name][seed] - self.values[other][seed] for seed in shared]))
        return Estimate.without_error(gap)


def compare(group: Group, *, metric: str | None, baseline: str, level: float = 0.95) -> Comparison:
    """Compare all contenders of a group.

    Differences are paired by seed and by text where predictions exist, and all of them are one family, whose intervals
    hold together with probability ``level``. Contenders that cannot be held against the others (one seed, or no
    predictions where others have them) keep their mean, and are left out of the verdict. So are those that a
    race dropped.

    Args:
        group: With at least one contender.
        metric: Such as ``accuracy``; None = the first of the runs' metrics.
        baseline: Name of a contender, or of a pooling.
        level: Confidence level of intervals and verdicts.
    """
    metric = metric or first_metric(next(iter(group.contenders.values())).any_run)
    read = {name: _read(contender) for name, contender in group.contenders.items()}
    predictions = {name: found for name, found in read.items() if found}
    splits = find_splits({name: contender.runs for name, contender in group.contenders.items()}, predictions)
    values = {
        name: {seed: run.metric(f"test/{metric}") for seed, run in contender.runs.items()}
        for name, contender in group.contenders.items()
    }
    if splits:
        values = {name: splits.values(name, by_seed) for name, by_seed in values.items()}
    summaries = {name: _summary(name, by_seed, splits, level=level) for name, by_seed in values.items()}
    dropped = dropped_by_race(group, metric=metric)
    names = tuple(sorted(summaries, key=lambda name: (name in dropped, -summaries[name].mean, name)))
    values = {name: values[name] for name in names}
    predictions = {name: predictions[name] for name in names if name in predictions}
    if splits:
        basis, scores, pairwise = "splits", {}, None
    else:
        basis, scores, pairwise = _pairs(group, metric, values, predictions, level)
    family = simultaneous(pairwise, level=level) if pairwise else None
    known = next((name for name in group.called(baseline) if name not in dropped), None)
    against: dict[str, Estimate] = {}
    if family and known in family.pairwise.names:
        against = {name: family.between(name, known) for name in family.pairwise.names if name != known}
    return Comparison(
        group, metric, names, values, summaries, predictions, basis, scores, pairwise, family, baseline, known, against,
        dropped, splits,
    )  # fmt: skip


def _summary(name: str, by_seed: Mapping[Replicate, float], splits: Splits | None, *, level: float) -> SeedSummary:
    """Over seeds; over splits without an interval, because they share their texts and are few."""
    if splits is None:
        return seed_summary(list(by_seed.values()), level=level)
    return replace(seed_summary(splits.means(name, by_seed), level=level), low=np.nan, high=np.nan)


def _read(contender: Contender) -> dict[Replicate, Predicted]:
    found = {seed: read_predictions(run) for seed, run in contender.runs.items()}
    return {seed: predicted for seed, predicted in found.items() if predicted is not None}


def _pairs(
    group: Group, metric: str, values: Mapping[str, Mapping[Replicate, float]], predictions: Predictions, level: float
) -> tuple[Basis, dict[str, Scores], Pairwise | None]:
    if not predictions:
        pairwise = _over_seeds(values, level=level)
        return ("seeds" if pairwise else "nothing"), {}, pairwise
    scores = {
        name: _scores(by_seed, metric, is_random=_is_random(group.contenders[name]))
        for name, by_seed in predictions.items()
    }
    judged = {name: one for name, one in scores.items() if one.deterministic or len(one.seeds) > 1}
    if len(scores) > 1 and len(judged) < 2:
        return "one seed", scores, None
    basis = "texts" if all(one.deterministic for one in judged.values()) else "seeds and texts"
    return basis, scores, pairwise_differences(judged, level=level) if judged else None


def _scores(by_seed: Mapping[Replicate, Predicted], metric: str, *, is_random: bool) -> Scores:
    found = align_scores({seed: (p.row_ids, p.scores(metric)) for seed, p in by_seed.items()})
    if is_random or np.ptp(found.values, axis=0).any():
        return found
    return Scores(found.values, seeds=found.seeds, row_ids=found.row_ids, deterministic=True)


def _is_random(contender: Contender) -> bool:
    """Whether another seed could give another result: not so for a probe that fits all rows."""
    return any(run.facts.get("seeds_are", "of training") is not None for run in contender.runs.values())


def _over_seeds(values: Mapping[str, Mapping[Replicate, float]], *, level: float) -> Pairwise | None:
    """All pairs over the seeds they share; those that share too few with another are left out, the scarcest first."""
    kept = {name: by_seed for name, by_seed in values.items() if len(by_seed) > 1}
    while len(kept) > 1:
        lonely = [pair for pair in itertools.combinations(kept, 2) if len(kept[pair[0]].keys() & kept[pair[1]]) < 2]
        if not lonely:
            return pairwise_nested(kept, level=level)
        del kept[min(lonely[0], key=lambda name: len(kept[name]))]
    return None


def right_or_wrong(comparison: Comparison) -> dict[str, Scores]:
    """Contender → 1 where right, 0 where wrong, seeds by texts; empty where test rows are not shared."""
    if not comparison.scores:
        return {}
    return {
        name: Scores(
            np.stack([p.targets == p.predicted for p in by_seed.values()]),
            seeds=tuple(by_seed), row_ids=next(iter(by_seed.values())).row_ids,
            deterministic=comparison.scores[name].deterministic,
        )
        for name, by_seed in comparison.predictions.items()
    }  # fmt: skip
