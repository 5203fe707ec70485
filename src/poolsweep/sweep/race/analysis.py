"""The interim analysis: which settings cannot be the best, by their predictions on the validation split.

Early stopping for futility: after each round of seeds every setting is compared with the best (Hsu, one-sided), at a
level that leaves room for all the analyses to come (alpha spending).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poolsweep.metric_names import sign
from poolsweep.report.predicted import Predicted, read_predictions, task_of
from poolsweep.report.results import RunRecord
from poolsweep.statistics import (
    Pairwise,
    Scores,
    align_scores,
    compare_with_best,
    pairwise_differences,
    pairwise_nested,
    share_rows,
)
from poolsweep.statistics.components import MeanSquares, decided_noise, lowered_df, mean_squares, satterthwaite_df
from poolsweep.sweep.race.settings import Setting

VARIANCE_RATIO = 2.0  # how many times the average seed variance a contender may have before the level suffers
MOST_CORRELATED = 40  # beyond, Bonferroni's bound stands in for the correlation of the differences


@dataclass(frozen=True)
class Worse:
    """Why a setting cannot be the best.

    Attributes:
        behind: Name of the one with the highest mean at that analysis.
        gap: Difference of the means, negative: of a metric that is better the less it is, with its sign turned.
        p_value: p-value against its being the best, adjusted for all that were compared.
    """

    behind: str
    gap: float
    p_value: float


def interim_analysis(settings: Sequence[Setting], *, rounds: int, metric: str, level: float) -> dict[Setting, Worse]:
    """The settings of one data set and encoder that cannot be the best, by their predictions on the validation split.

    Those that lack a finished run in one of the rounds are neither compared nor dropped.

    Args:
        settings: Those still in the race.
        rounds: Number of rounds that have been run.
        metric: One that the task scores texts by.
        level: Level of this analysis.
    """
    runs = {setting: _finished(setting, rounds) for setting in settings}
    read = {setting: [_read(run, metric) for run in found] for setting, found in runs.items() if len(found) == rounds}
    whole = {setting: [p for p in parts if p is not None] for setting, parts in read.items() if None not in parts}
    if len(whole) < 2:
        return {}
    numbered = {str(i): setting for i, setting in enumerate(whole)}  # names of settings may repeat
    rows = dict(enumerate(predicted.row_ids for parts in whole.values() for predicted in parts))
    if share_rows(rows):
        worse = not_best({i: _scores(whole[setting], metric) for i, setting in numbered.items()}, level=level)
    else:
        per_text = {i: _by_split(whole[setting], metric) for i, setting in numbered.items()}
        ratio = _validation_to_train(runs[numbered["0"]][0])
        worse = not_best_nested(per_text, test_to_train=ratio, level=level)
    return {numbered[i]: replace(why, behind=numbered[why.behind].name) for i, why in worse.items()}


def _finished(setting: Setting, rounds: int) -> list[RunRecord]:
    folders = [setting.runs[place] for place in range(rounds) if place in setting.runs]
    results = [(folder, folder.finished()) for folder in folders]
    return [RunRecord(folder.path, facts) for folder, facts in results if facts is not None]


def _read(run: RunRecord, metric: str) -> Predicted | None:
    task = task_of(run.facts)
    return read_predictions(run, split="validation", outputs=task is not None and metric in task.from_outputs)


def _better(predicted: Predicted, metric: str) -> NDArray[np.float64]:
    """The score of each text, the higher the better."""
    return sign(metric) * predicted.scores(metric)


def _scores(parts: Sequence[Predicted], metric: str) -> Scores:
    return align_scores({place: (p.row_ids, _better(p, metric)) for place, p in enumerate(parts)})


def _by_split(parts: Sequence[Predicted], metric: str) -> dict[str, NDArray[np.float64]]:
    """The score of each text on each split, the mean over its seeds."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    for p in parts:
        found.setdefault(p.rows_hash, []).append(_better(p, metric))
    return {split: np.mean(scores, axis=0) for split, scores in found.items()}


def _validation_to_train(run: RunRecord) -> float:
    sizes = run.facts.get("sizes") or {}
    return sizes.get("validation", 0) / max(sizes.get("train", 1), 1)


def analysis_level(number: int, *, level: float) -> float:
    """The level of one interim analysis, so that all of them together keep ``level``, however many there will be.

    The first spends half of 1 − level, the second a sixth, the k-th 1 / (k (k + 1)) of it; the sum of all is the whole.
    The early ones get the most because a run that is not made early saves the most. Since it does not depend on the
    number of seeds planned, adding seeds later leaves the earlier analyses as they were.

    Args:
        number: 1 for the first.
        level: Level of all analyses together.
    Example:
        >>> [round(1 - analysis_level(number, level=0.99), 5) for number in (1, 2, 3)]
        [0.005, 0.00167, 0.00083]
    """
    return 1 - (1 - level) / (number * (number + 1))


def not_best(scores: Mapping[str, Scores], *, level: float) -> dict[str, Worse]:
    """The contenders that cannot be the best, at ``level`` jointly over all of them.

    Args:
        scores: Scores of contenders that have the same seeds, at least two, and were scored on the same rows.
        level: Level of this analysis.
    Example:
        >>> import numpy as np
        >>> rows, seeds = range(100), (0, 1)
        >>> half = np.tile([[1.0, 0.0]], (2, 50))
        >>> table = {"good": np.ones((2, 100)), "also": np.ones((2, 100)), "bad": half}
        >>> list(not_best({k: Scores(v, seeds=seeds, row_ids=rows) for k, v in table.items()}, level=0.99))
        ['bad']
    """
    if len(scores) < 2:
        return {}
    return _worse(with_pooled_noise(scores), level=level)


def not_best_nested(
    scores: Mapping[str, Mapping[str, NDArray[np.float64]]], *, test_to_train: float, level: float
) -> dict[str, Worse]:
    """The same over splits of their own rows; see :func:`~poolsweep.statistics.nested_difference`.

    Nobody is out where two contenders share fewer than two splits.

    Args:
        scores: Contender → split → the score of each of its texts.
        test_to_train: Scored rows over training rows.
        level: Level of this analysis.
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
    return _worse(pairwise_nested(values, test_to_train=test_to_train, example_noise=noise), level=level)


def _worse(pairwise: Pairwise, *, level: float) -> dict[str, Worse]:
    if len(pairwise.names) > MOST_CORRELATED:
        pairwise = replace(pairwise, covariance=None)
    verdict = compare_with_best(pairwise, level=level)
    best = verdict.comparisons[0]
    return {
        item.name: Worse(best.name, item.mean - best.mean, item.p_value)
        for item in verdict.comparisons
        if not item.could_be_best
    }


def with_pooled_noise(scores: Mapping[str, Scores]) -> Pairwise:
    """All differences, with the seed noise of each pair pooled with that of all contenders.

    Two seeds leave a pair one degree of freedom for its seed noise, with which nothing can be dropped. The interaction
    of contenders and seeds has (K − 1)(S − 1): its mean square, twice, is what a pair's would be if all contenders were
    equally noisy. They are not, so a pair takes ``VARIANCE_RATIO`` times that, or its own if that is larger still. The
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
    pooled = VARIANCE_RATIO * 2 * float(np.sum(interaction**2)) / df
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
