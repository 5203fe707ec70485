"""Who is out: Hsu's comparison with the best, at a level that leaves room for all the looks to come."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poolsweep.statistics import (
    Pairwise,
    Scores,
    compare_with_best,
    pairwise_differences,
    pairwise_nested,
)
from poolsweep.statistics.components import MeanSquares, lowered_df, mean_squares, satterthwaite_df
from poolsweep.statistics.difference import decided_noise

UNSTEADIER = 2.0  # how many times the average seed variance a contender may have before the level suffers
MOST_CORRELATED = 40  # beyond, Bonferroni's bound stands in for the correlation of the differences


@dataclass(frozen=True)
class Out:
    """One that cannot be the best.

    Attributes:
        behind: The contender with the highest mean at that look.
        gap: Its own mean minus that one's.
        p_value: Against its being the best, adjusted for all contenders.
    """

    behind: str
    gap: float
    p_value: float


def look_level(look: int, *, level: float) -> float:
    """The level of one look, so that all looks together keep ``level``, however many there will be.

    The first spends half of 1 − level, the second a sixth, the k-th 1 / (k (k + 1)) of it; the sum of all is the whole.
    The early looks get the most because a run that is not made early saves the most; and since it does not depend on
    the number of seeds planned, adding seeds later leaves the earlier looks as they were.

    Args:
        look: 1 for the first.
        level: Of all looks together.
    Example:
        >>> [round(1 - look_level(look, level=0.99), 5) for look in (1, 2, 3)]
        [0.005, 0.00167, 0.00083]
    """
    return 1 - (1 - level) / (look * (look + 1))


def hopeless(scores: Mapping[str, Scores], *, level: float) -> dict[str, Out]:
    """The contenders that cannot be the best, at ``level`` jointly over all of them.

    Args:
        scores: Of contenders that have the same seeds, at least two, and were scored on the same rows.
        level: Of this look.
    Example:
        >>> import numpy as np
        >>> rows, seeds = range(100), (0, 1)
        >>> half = np.tile([[1.0, 0.0]], (2, 50))
        >>> table = {"good": np.ones((2, 100)), "also": np.ones((2, 100)), "bad": half}
        >>> list(hopeless({k: Scores(v, seeds=seeds, row_ids=rows) for k, v in table.items()}, level=0.99))
        ['bad']
    """
    if len(scores) < 2:
        return {}
    return _out(steadied(scores), level=level)


def hopeless_nested(
    scores: Mapping[str, Mapping[str, NDArray[np.float64]]], *, test_to_train: float, level: float
) -> dict[str, Out]:
    """The same over splits of their own rows; see :func:`~poolsweep.statistics.nested_difference`.

    Nobody is out where two contenders share fewer than two splits.

    Args:
        scores: Contender → split → the score of each of its texts.
        test_to_train: Scored rows over training rows.
        level: Of this look.
    """
    pairs = list(itertools.combinations(scores, 2))
    shared = {(a, b): [split for split in scores[a] if split in scores[b]] for a, b in pairs}
    if not pairs or min(map(len, shared.values())) < 2:
        return {}
    values = {name: {split: float(texts.mean()) for split, texts in own.items()} for name, own in scores.items()}
    noise = {
        (a, b): float(np.mean([decided_noise(scores[a][split] - scores[b][split])[0] for split in splits]))
        for (a, b), splits in shared.items()
    }
    return _out(pairwise_nested(values, test_to_train=test_to_train, example_noise=noise), level=level)


def _out(pairwise: Pairwise, *, level: float) -> dict[str, Out]:
    if len(pairwise.names) > MOST_CORRELATED:
        pairwise = replace(pairwise, covariance=None)
    verdict = compare_with_best(pairwise, level=level)
    best = verdict.comparisons[0]
    return {
        item.name: Out(best.name, item.mean - best.mean, item.p_value)
        for item in verdict.comparisons
        if not item.could_be_best
    }


def steadied(scores: Mapping[str, Scores]) -> Pairwise:
    """All differences, the seed noise of each pair steadied by what all contenders show together.

    Two seeds leave a pair one degree of freedom for its seed noise, with which nothing can be dropped. The interaction
    of contenders and seeds has (K − 1)(S − 1): its mean square, twice, is what a pair's would be if all contenders were
    equally noisy. They are not, so a pair takes ``UNSTEADIER`` times that, or its own if that is larger still. The
    noise of the texts is each pair's own.

    Shape:
        scores (S, N) each, the same seeds and rows.

    Reference:
        Searle, Casella, McCulloch (1992), "Variance Components", ch. 4, for the interaction; what it does to the level,
        also where contenders are unequally noisy, is simulated in ``experiments/race``.
    """
    pairwise = pairwise_differences(scores)
    means = np.stack([contender.seed_means for contender in scores.values()])
    num, num_seeds = means.shape
    interaction = means - means.mean(axis=0) - means.mean(axis=1, keepdims=True) + means.mean()
    df = (num - 1) * (num_seeds - 1)
    pooled = UNSTEADIER * 2 * float(np.sum(interaction**2)) / df
    errors, dfs = pairwise.standard_error.copy(), pairwise.df.copy()
    tables = list(scores.values())
    for i, j in itertools.combinations(range(num), 2):
        squares = mean_squares(tables[i].values - tables[j].values)
        variance, freedom = _variance(squares, pooled * squares.num_examples, df)
        errors[i, j] = errors[j, i] = np.sqrt(variance)
        dfs[i, j] = dfs[j, i] = freedom
    return replace(pairwise, standard_error=errors, df=dfs)


def _variance(squares: MeanSquares, pooled: float, df: int) -> tuple[float, float]:
    """As :func:`~poolsweep.statistics.components.variance_of_mean`, with another mean square over seeds."""
    seeds, residual = max(squares.seeds, pooled), squares.residual
    total = max(seeds, residual) + max(squares.examples, residual) - residual
    num_seeds, num_examples = squares.num_seeds, squares.num_examples
    terms = [
        (seeds, df),
        (squares.examples, num_examples - 1),
        (residual, (num_seeds - 1) * (num_examples - 1)),
    ]
    freedom = max(satterthwaite_df(total, terms), min(df, num_examples - 1))
    return total / (num_seeds * num_examples), lowered_df(freedom, total, seeds, df)
