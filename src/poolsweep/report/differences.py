"""What differences are made of: the score of each text by replicate and split, or the metric by replicate alone."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import replace
from statistics import mean
from typing import Literal

import numpy as np

from poolsweep.metric_names import sign
from poolsweep.report.contenders import Contender, Group, Predictions
from poolsweep.report.predicted import Predicted
from poolsweep.report.replicates import NO_FOLD, Replicate, Splits
from poolsweep.statistics import (
    Pairwise,
    Resampling,
    Scores,
    SeedSummary,
    align_scores,
    mean_over_splits,
    pairwise_differences,
    pairwise_nested,
    pairwise_splits,
    seed_summary,
)

Basis = Literal["seeds and texts", "texts", "seeds", "splits", "one seed", "nothing"]
Values = Mapping[str, Mapping[Replicate, float]]
BySplit = Mapping[Hashable, Scores]


def over_replicates(
    group: Group, metric: str, values: Values, predictions: Predictions, *, level: float
) -> tuple[Basis, dict[str, Scores], Pairwise | None]:
    """All differences of those that were tested on the same rows of one split; more is better in each.

    Args:
        group: The contenders.
        metric: Without its split.
        values: The metric by contender and replicate.
        predictions: The same of predictions.
        level: Confidence level.
    """
    if not predictions:
        pairwise = _of_values(values, metric, level=level)
        return ("seeds" if pairwise else "nothing"), {}, pairwise
    scores = {
        name: scores_of(by_seed, metric, is_random=is_random(group.contenders[name]))
        for name, by_seed in predictions.items()
    }
    judged = {name: one for name, one in scores.items() if one.deterministic or len(one.seeds) > 1}
    if len(scores) > 1 and len(judged) < 2:
        return "one seed", scores, None
    basis = "texts" if all(one.deterministic for one in judged.values()) else "seeds and texts"
    return basis, scores, pairwise_differences(judged, level=level) if judged else None


def over_splits(
    group: Group, metric: str, values: Values, predictions: Predictions, splits: Splits, *, level: float
) -> Pairwise | None:
    """All differences of those that have the same splits, on these alone; more is better in each.

    Args:
        group: The contenders.
        metric: Without its split.
        values: The metric by contender and replicate.
        predictions: The same of predictions.
        splits: Two or more that all have.
        level: Confidence level.
    """
    plan = resampling(group, splits)
    tables = split_scores(group, metric, predictions, splits)
    if tables:
        return pairwise_splits(tables, plan, level=level)
    if predictions:
        return None
    of_split = {
        name: {
            split: sign(metric) * mean(values[name][one] for one in several)
            for split, several in splits.by_split(name, values[name]).items()
        }
        for name in splits.compared
    }
    tested = 0.0 if splits.tested_on_the_same else _size(group, "test")
    return pairwise_nested(of_split, test_to_train=plan.correction(test_rows=tested, told_apart=False), level=level)


def split_scores(group: Group, metric: str, predictions: Predictions, splits: Splits) -> dict[str, BySplit]:
    """Contender → split → scores, of those with predictions on every split that all have.

    Args:
        group: The contenders.
        metric: Without its split.
        predictions: By contender and replicate.
        splits: Splits that all have.
    """
    found = {}
    for name in splits.compared:
        own, random = predictions.get(name, {}), is_random(group.contenders[name])
        by_split = splits.by_split(name, own)
        if by_split.keys() == splits.common:
            found[name] = {
                split: scores_of({one: own[one] for one in several}, metric, is_random=random)
                for split, several in by_split.items()
            }
    return found


def resampling(group: Group, splits: Splits) -> Resampling:
    """How the splits of a group divide its rows.

    Args:
        group: The contenders.
        splits: Splits that all have.
    """
    kept = {one for name in splits.compared for one, split in splits.of[name].items() if split in splits.common}
    folds = {(run.facts.get("split") or {}).get("folds") for name in splits.compared
             for run in group.contenders[name].runs.values()}  # fmt: skip
    one_division = len({one.split_seed for one in kept}) == 1 and all(one.fold != NO_FOLD for one in kept)
    held_out = _size(group, "validation") + (0 if splits.tested_on_the_same else _size(group, "test"))
    train = max(_size(group, "train"), 1.0)
    number = folds.pop() if one_division and len(folds) == 1 else None
    pool = max(group.most_rows, train) + held_out
    return Resampling(train, pool, folds=number if number is not None and number > 1 else None)


def summary(
    group: Group, name: str, metric: str, values: Mapping[Replicate, float], predictions: Predictions,
    splits: Splits | None, *, level: float,
) -> SeedSummary:  # fmt: skip
    """Mean and interval of a contender: over seeds on the texts of one split, or over splits.

    Over splits there is an interval where all predictions are there.

    Args:
        group: The contenders.
        name: One of them.
        metric: Without its split.
        values: The metric by replicate.
        predictions: By contender and replicate.
        splits: Splits; None = there is one.
        level: Confidence level.
    """
    if splits is None:
        return seed_summary(list(values.values()), level=level)
    found = replace(seed_summary(splits.means(name, values), level=level), low=np.nan, high=np.nan)
    tables = split_scores(group, metric, {name: predictions.get(name, {})}, replace(splits, compared=(name,)))
    if name not in splits.compared or not tables or len(splits.common) < 2:
        return found
    estimate = mean_over_splits(tables[name], resampling(group, splits), level=level).estimate
    low, high = sorted(sign(metric) * end for end in (estimate.low, estimate.high))
    return replace(found, low=low, high=high)


def scores_of(by_replicate: Mapping[Replicate, Predicted], metric: str, *, is_random: bool) -> Scores:
    """Scores of a contender by replicate and text, more is better.

    Args:
        by_replicate: Predictions by replicate.
        metric: Without its split.
        is_random: Whether another seed could give another result.
    """
    better = sign(metric)
    found = align_scores({one: (p.row_ids, better * p.scores(metric)) for one, p in by_replicate.items()})
    if is_random or np.ptp(found.values, axis=0).any():
        return found
    return Scores(found.values, seeds=found.seeds, row_ids=found.row_ids, deterministic=True)


def is_random(contender: Contender) -> bool:
    """Whether another seed could give another result: not so for a probe that fits all rows."""
    return any(run.facts.get("seeds_are", "of training") is not None for run in contender.runs.values())


def _size(group: Group, split: str) -> float:
    """The mean size of a split over the runs of all contenders."""
    runs = [run for contender in group.contenders.values() for run in contender.runs.values()]
    return mean(float((run.facts.get("sizes") or {}).get(split, 0)) for run in runs)


def _of_values(values: Values, metric: str, *, level: float) -> Pairwise | None:
    """All pairs over the seeds they share; those that share too few with another are left out, the scarcest first."""
    better = sign(metric)
    kept = {name: {one: better * value for one, value in own.items()} for name, own in values.items() if len(own) > 1}
    while len(kept) > 1:
        lonely = [pair for pair in itertools.combinations(kept, 2) if len(kept[pair[0]].keys() & kept[pair[1]]) < 2]
        if not lonely:
            return pairwise_nested(kept, level=level)
        del kept[min(lonely[0], key=lambda name: len(kept[name]))]
    return None
