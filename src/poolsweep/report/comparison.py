"""The verdict on one data set and encoder: who leads, who is tied with the best, what beats the baseline."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from poolsweep.report.contenders import Contender, Group
from poolsweep.report.predictions import Predicted, read_predictions
from poolsweep.report.raced import Raced, raced
from poolsweep.report.statistics import (
    BestVerdict,
    ComparisonWithBaseline,
    Pairwise,
    Scores,
    SeedSummary,
    align_scores,
    compare_with_baseline,
    compare_with_best,
    metric_scores,
    pairwise_differences,
    pairwise_nested,
    seed_summary,
    share_rows,
)

Basis = Literal["seeds and texts", "texts", "seeds", "splits", "nothing"]

Predictions = Mapping[str, Mapping[int, Predicted]]


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that is known about one group.

    Attributes:
        group: The contenders.
        metric: Without its split, such as ``accuracy``.
        names: All contenders, best mean first; those that lost in a race come after the others.
        values: The metric by seed, by contender.
        summaries: Mean, sd and t interval over seeds, by contender.
        predictions: Contender → seed → predictions on the test split, where they can be read.
        basis: What differences are made of: seeds and texts; texts alone (one seed); seeds alone (no predictions);
            splits (each seed has test rows of its own); or nothing.
        scores: Per-example scores of those that are compared by text.
        pairwise: All differences of those that are compared; None where nothing can be.
        best: The verdict on them.
        baseline: The contender that the others are held against; None if there is none of that name.
        against: Each other contender against the baseline.
        raced: What a race decided: those that lost in it are not in the verdict, and those that it settled as tied are
            tied.
    """

    group: Group
    metric: str
    names: tuple[str, ...]
    values: Mapping[str, Mapping[int, float]]
    summaries: Mapping[str, SeedSummary]
    predictions: Predictions
    basis: Basis
    scores: Mapping[str, Scores]
    pairwise: Pairwise | None
    best: BestVerdict | None
    baseline: str | None
    against: Mapping[str, ComparisonWithBaseline]
    raced: Raced = field(default_factory=Raced)

    @property
    def leading(self) -> tuple[str, ...]:
        """The contenders that cannot be told from the best; empty where nothing can be compared."""
        return self.best.leading if self.best else ()

    @property
    def compared(self) -> tuple[str, ...]:
        """Those the verdict is about."""
        return self.pairwise.names if self.pairwise else ()

    def contender(self, name: str) -> Contender:
        """A contender by its name."""
        return self.group.contenders[name]


def compare(group: Group, *, metric: str, baseline: str, level: float = 0.95) -> Comparison:
    """Compare all contenders of a group.

    Differences are paired by seed and by text where predictions exist. Contenders that cannot be held against the
    others (no predictions where others have them) keep their mean, and are left out of the verdict. So do those that
    lost in a race; the verdict on the others then has a level that leaves the race its share, so that both together
    hold ``level``.

    Args:
        group: With at least one contender.
        metric: Such as ``accuracy``.
        baseline: Name of a contender.
        level: Of intervals and verdicts.
    """
    values = {
        name: {seed: run.metric(f"test/{metric}") for seed, run in contender.runs.items()}
        for name, contender in group.contenders.items()
    }
    summaries = {name: seed_summary(list(by_seed.values()), level=level) for name, by_seed in values.items()}
    race = raced(group, metric=metric)
    names = tuple(sorted(summaries, key=lambda name: (name in race.lost, -summaries[name].mean, name)))
    read = {name: _read(group.contenders[name]) for name in names}
    predictions = {name: found for name, found in read.items() if found}
    basis, scores, pairwise = _pairs(group, metric, {name: values[name] for name in names}, predictions, level)
    best = _verdict(pairwise, race, level=level) if pairwise else None
    known = baseline if baseline in names and baseline not in race.lost else None  # two seeds say too little of it
    against: dict[str, ComparisonWithBaseline] = {}
    if pairwise and known in pairwise.names:
        against = {item.name: item for item in compare_with_baseline(pairwise, known, level=level)}
    return Comparison(
        group, metric, names, values, summaries, predictions, basis, scores, pairwise, best, known, against, race
    )


def _verdict(pairwise: Pairwise, race: Raced, *, level: float) -> BestVerdict | None:
    """Hsu's verdict on those that have every seed; in a race, those that it settled as tied have theirs already.

    Held against each other with the few seeds that they have, they would widen the margins of all.
    """
    left = [name for name in pairwise.names if name not in race.lost]
    if not left:
        return None
    level = race.verdict_level(level)
    everyone = compare_with_best(pairwise, level=level, among=left)
    whole = [name for name in left if name not in race.tied]
    if len(whole) == len(left):
        return everyone
    told = compare_with_best(pairwise, level=level, among=whole).comparisons if whole else ()
    known = {item.name: item for item in told}
    settled = [known.get(item.name, replace(item, could_be_best=True)) for item in everyone.comparisons]
    return BestVerdict(tuple(settled), level)


def _read(contender: Contender) -> dict[int, Predicted]:
    found = {seed: read_predictions(run) for seed, run in contender.runs.items()}
    return {seed: predicted for seed, predicted in found.items() if predicted is not None}


def _pairs(
    group: Group, metric: str, values: Mapping[str, Mapping[int, float]], predictions: Predictions, level: float
) -> tuple[Basis, dict[str, Scores], Pairwise | None]:
    if not predictions:
        pairwise = _over_seeds(values, level=level)
        return ("seeds" if pairwise else "nothing"), {}, pairwise
    rows = {i: p.row_ids for i, p in enumerate(p for by_seed in predictions.values() for p in by_seed.values())}
    if not share_rows(rows):
        ratio = _test_to_train(next(iter(group.contenders.values())))
        pairwise = _over_seeds(values, level=level, test_to_train=ratio)
        return ("splits" if pairwise else "nothing"), {}, pairwise
    scores = {
        name: align_scores(
            {seed: (p.row_ids, metric_scores(metric, p.labels, p.predicted)) for seed, p in by_seed.items()}
        )
        for name, by_seed in predictions.items()
    }
    single = all(len(s.seeds) == 1 for s in scores.values())
    return ("texts" if single else "seeds and texts"), scores, pairwise_differences(scores, level=level)


def _over_seeds(
    values: Mapping[str, Mapping[int, float]], *, level: float, test_to_train: float = 0.0
) -> Pairwise | None:
    """All pairs over the seeds they share; those that share too few with another are left out, the scarcest first."""
    kept = {name: by_seed for name, by_seed in values.items() if len(by_seed) > 1}
    while len(kept) > 1:
        lonely = [pair for pair in itertools.combinations(kept, 2) if len(kept[pair[0]].keys() & kept[pair[1]]) < 2]
        if not lonely:
            return pairwise_nested(kept, test_to_train=test_to_train, level=level)
        del kept[min(lonely[0], key=lambda name: len(kept[name]))]
    return None


def _test_to_train(contender: Contender) -> float:
    sizes = contender.any_run.facts.get("sizes") or {}
    ratio = sizes.get("test", 0) / max(sizes.get("train", 1), 1)
    return ratio if math.isfinite(ratio) else 0.0
