"""Whether contenders are better than always answering the commonest label."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from poolsweep.report.comparison import Comparison
from poolsweep.report.predicted import Predicted
from poolsweep.report.replicates import Replicate
from poolsweep.statistics import Estimate, Scores, mean_score, t_estimate

_BASES = {
    "one seed": "One seed says nothing of what another would give: there is no interval and no verdict.",
    "seeds": "No predictions were found: differences rest on the seeds alone, and leave out the noise of the texts.",
    "nothing": "No two poolings share two seeds, and there are no predictions: no difference can be told from noise.",
}
_COUNTS = {"missing replicates", "unequal replicates", "few replicates"}
_FEW_SPLITS = 5
_MUCH_CUT = 0.2  # share of the test texts
_WAITED = 2.0  # times its CPU seconds that a run takes where it waits for others


def over_majority(comparison: Comparison) -> dict[str, Estimate]:
    """Accuracy minus that of always answering the commonest label of the test texts, by contender.

    Paired by text, at 95% for all contenders together; without an interval where runs were tested on different rows.
    """
    if not comparison.scores:
        return {
            name: t_estimate(float(np.mean([_gap(p).mean() for p in by_seed.values()])), math.nan, 0.0)
            for name, by_seed in comparison.predictions.items()
        }
    level = 1 - 0.05 / len(comparison.predictions)
    found = {}
    for name in comparison.scores:
        by_seed = {one: p for one, p in comparison.predictions[name].items() if _counted(comparison, name, one)}
        gaps = np.stack([_gap(predicted) for predicted in by_seed.values()])
        fixed = comparison.scores[name].deterministic
        rows = next(iter(by_seed.values())).row_ids
        scores = Scores(gaps, seeds=tuple(by_seed), row_ids=rows, deterministic=fixed)
        estimate = mean_score(scores, level=level).estimate
        low, high = np.clip((estimate.low, estimate.high), -1.0, 1.0).tolist()
        found[name] = replace(estimate, low=low, high=high)
    return found


def _counted(comparison: Comparison, name: str, replicate: Replicate) -> bool:
    """Whether a replicate is on the split that all have, where there are others."""
    return comparison.splits is None or comparison.splits.of[name][replicate] in comparison.splits.common


def _gap(predicted: Predicted) -> NDArray[np.float64]:
    """Of each text, whether it is right minus whether the commonest label would be."""
    idle = predicted.targets == np.bincount(predicted.targets).argmax()
    return (predicted.targets == predicted.predicted).astype(np.float64) - idle
