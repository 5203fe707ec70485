"""Is the difference real? Intervals and verdicts over seeds and test examples, on numpy and scipy alone.

From per-example scores (:mod:`.influence`) aligned by row (:func:`align_scores`) come differences with an interval that
counts both seeds and examples (:func:`difference`), all pairs of them (:func:`pairwise_differences`, and over several
splits of one data set :func:`pairwise_splits`), and these as one family (:func:`simultaneous`), which the verdict is
read from. A race drops by :func:`compare_with_best`. Whether the best column depends on the row is
:func:`interaction_test`. The method, with its formulas and references, is docs/statistics.md.
"""

from __future__ import annotations

from poolsweep.statistics.best import BestVerdict, ComparisonWithBest, compare_with_best
from poolsweep.statistics.companions import EffectSize, SignFlip, effect_size, sign_flip_test
from poolsweep.statistics.components import VarianceComponents
from poolsweep.statistics.difference import (
    Difference,
    difference,
    mean_score,
    nested_difference,
    paired_differences,
)
from poolsweep.statistics.estimate import Estimate, SeedSummary, seed_summary, t_estimate
from poolsweep.statistics.influence import (
    CLASS_RANKING_SCORES,
    CLASS_SCORES,
    MULTILABEL_RANKING_SCORES,
    MULTILABEL_SCORES,
    NUMBER_SCORES,
    ScoresOf,
    metric_scores,
)
from poolsweep.statistics.influence_classes import accuracy_scores, f1_scores, mcc_scores
from poolsweep.statistics.interaction import Interaction, interaction_test
from poolsweep.statistics.pairwise import Pairwise, pairwise_differences, pairwise_nested
from poolsweep.statistics.power import SampleSize, seeds_to_settle
from poolsweep.statistics.ranks import CriticalDifference, Friedman, critical_difference, friedman_test, ranks
from poolsweep.statistics.resampling import Resampling
from poolsweep.statistics.scores import Scores, align_scores, share_rows
from poolsweep.statistics.simultaneous import Family, simultaneous
from poolsweep.statistics.splits import difference_over_splits, mean_over_splits, pairwise_splits

__all__ = [
    "CLASS_RANKING_SCORES",
    "CLASS_SCORES",
    "MULTILABEL_RANKING_SCORES",
    "MULTILABEL_SCORES",
    "NUMBER_SCORES",
    "BestVerdict",
    "ComparisonWithBest",
    "CriticalDifference",
    "Difference",
    "EffectSize",
    "Estimate",
    "Family",
    "Friedman",
    "Interaction",
    "Pairwise",
    "Resampling",
    "SampleSize",
    "Scores",
    "ScoresOf",
    "SeedSummary",
    "SignFlip",
    "VarianceComponents",
    "accuracy_scores",
    "align_scores",
    "compare_with_best",
    "critical_difference",
    "difference",
    "difference_over_splits",
    "effect_size",
    "f1_scores",
    "friedman_test",
    "interaction_test",
    "mcc_scores",
    "mean_over_splits",
    "mean_score",
    "metric_scores",
    "nested_difference",
    "paired_differences",
    "pairwise_differences",
    "pairwise_nested",
    "pairwise_splits",
    "ranks",
    "seed_summary",
    "seeds_to_settle",
    "share_rows",
    "sign_flip_test",
    "simultaneous",
    "t_estimate",
]
