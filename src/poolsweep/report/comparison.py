"""The verdict on one group: who leads, who is tied with the best, what differs from the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from poolsweep.metric_names import metric_range, sign
from poolsweep.report.contenders import Contender, Group, Predictions, first_metric
from poolsweep.report.differences import Basis, over_replicates, over_splits, summary
from poolsweep.report.predicted import Predicted, read_predictions, task_of
from poolsweep.report.race import dropped_by_race
from poolsweep.report.replicates import Replicate, Splits, find_splits
from poolsweep.runs.race import Dropped
from poolsweep.statistics import Estimate, Family, Pairwise, Scores, SeedSummary, simultaneous

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that is known about one group.

    Attributes:
        group: The contenders.
        metric: Without its split, such as ``accuracy``.
        names: All contenders, best mean first; those that a race dropped come after the others.
        values: The metric by replicate, by contender.
        summaries: Mean, sd and interval over seeds or splits, by contender.
        predictions: Contender → replicate → predictions on the test split, where they can be read.
        basis: What differences are made of: seeds and texts; texts alone (nothing is random); seeds alone (no
            predictions); splits, with texts where there are predictions; one seed, or nothing: these two give no
            interval and no verdict.
        scores: Score of each text, more is better, of those that have one split; empty over several.
        pairwise: All differences of those that are compared; None where nothing can be.
        family: The same, held together; more is better in both.
        asked_baseline: Contender to hold the others against, by its name or its pooling.
        baseline: Name of the first that is meant; None if there is none, or a race has stopped it.
        against: Each other compared contender minus the baseline, as the family has it.
        dropped: Contenders that a race dropped, with the reasons; they are not in the verdict.
        splits: Splits that runs were made on; None where there is one.
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
        sound = self.basis in ("seeds and texts", "texts", "splits") and set(rivals) <= set(self.compared)
        return self.leading[0] if sound and len(self.compared) > 1 and self.leading == rivals[:1] else None

    @property
    def compared(self) -> tuple[str, ...]:
        """Those the verdict is about."""
        return self.pairwise.names if self.pairwise else ()

    @property
    def draws(self) -> tuple[str, ...]:
        """What a report can draw of its predictions, by its task; nothing without predictions."""
        found = next((p for own in self.predictions.values() for p in own.values()), None)
        return () if found is None else found.task.charts

    @property
    def has_classes(self) -> bool:
        """Whether each text has one class of several."""
        return "confusion" in self.draws

    def contender(self, name: str) -> Contender:
        """A contender by its name."""
        return self.group.contenders[name]

    def difference(self, name: str, other: str) -> Estimate | None:
        """One mean minus another; without an interval where the two are not compared, None where they cannot be.

        Means over different splits are not held against each other.
        """
        if self.family and {name, other} <= set(self.compared):
            return _turned(self.family.between(name, other), self.metric)
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
    read = {name: _read(contender, metric) for name, contender in group.contenders.items()}
    predictions = {name: found for name, found in read.items() if found}
    dropped = dropped_by_race(group, metric=metric)
    runs = {name: contender.runs for name, contender in group.contenders.items()}
    splits = find_splits(runs, predictions, apart=dropped)
    values = {
        name: {seed: run.metric(f"test/{metric}") for seed, run in contender.runs.items()}
        for name, contender in group.contenders.items()
    }
    if splits:
        values = {name: splits.values(name, by_seed) for name, by_seed in values.items()}
    summaries = {
        name: summary(group, name, metric, by_replicate, predictions, splits, level=level)
        for name, by_replicate in values.items()
    }
    better = sign(metric)
    names = tuple(sorted(summaries, key=lambda name: (name in dropped, -better * summaries[name].mean, name)))
    values = {name: values[name] for name in names}
    predictions = {name: predictions[name] for name in names if name in predictions}
    if splits and len(splits.common) > 1:
        basis, scores = "splits", {}
        pairwise = over_splits(group, metric, values, predictions, splits, level=level)
    else:
        told = _on_one(splits, values), _on_one(splits, predictions)
        basis, scores, pairwise = over_replicates(group, metric, *told, level=level)
    family = simultaneous(pairwise, level=level, most=metric_range(metric)) if pairwise else None
    known = next((name for name in group.called(baseline) if name not in dropped), None)
    against: dict[str, Estimate] = {}
    if family and known in family.pairwise.names:
        against = {
            name: _turned(family.between(name, known), metric) for name in family.pairwise.names if name != known
        }
    return Comparison(
        group, metric, names, values, summaries, predictions, basis, scores, pairwise, family, baseline, known, against,
        dropped, splits,
    )  # fmt: skip


def _on_one(splits: Splits | None, found: Mapping[str, Mapping[Replicate, _T]]) -> dict[str, dict[Replicate, _T]]:
    """What was found of the only split that all have; all of it where there is no other."""
    if splits is None:
        return {name: dict(own) for name, own in found.items()}
    return {
        name: {one: found[name][one] for several in splits.by_split(name, found[name]).values() for one in several}
        for name in found if name in splits.compared
    }  # fmt: skip


def _turned(found: Estimate, metric: str) -> Estimate:
    """A difference of scores of which more is better, as one of the metric."""
    if sign(metric) == 1:
        return found
    return replace(found, value=-found.value, low=-found.high, high=-found.low)


def _read(contender: Contender, metric: str) -> dict[Replicate, Predicted]:
    found = {
        replicate: read_predictions(run, outputs=task is not None and metric in task.from_outputs)
        for replicate, run in contender.runs.items() for task in [task_of(run.facts)]
    }  # fmt: skip
    return {replicate: predicted for replicate, predicted in found.items() if predicted is not None}


def right_or_wrong(comparison: Comparison) -> dict[str, Scores]:
    """Contender → 1 where right, 0 where wrong, seeds by texts; empty where test rows are not shared.

    Empty, too, where the task knows no right or wrong.
    """
    if not comparison.scores:
        return {}
    found = {}
    for name, by_seed in _on_one(comparison.splits, comparison.predictions).items():
        right = [one for p in by_seed.values() if (one := p.right) is not None]
        if name in comparison.scores and len(right) == len(by_seed):
            rows, fixed = next(iter(by_seed.values())).row_ids, comparison.scores[name].deterministic
            found[name] = Scores(np.stack(right), seeds=tuple(by_seed), row_ids=rows, deterministic=fixed)
    return found
