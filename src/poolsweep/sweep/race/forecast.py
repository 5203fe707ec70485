"""Whether more seeds can change the report's verdict: the verdict at all planned seeds, drawn from what is known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtridf, stdtrit

from poolsweep.statistics import Pairwise, Scores, pairwise_differences, simultaneous
from poolsweep.statistics.components import TAIL, mean_squares
from poolsweep.statistics.critical import LargestT

NUM_DRAWS = 400  # puts a probability of 0.9 within 0.015
PRIOR_DF = 4.0  # what the average contender's seed noise counts beside a contender's own


@dataclass(frozen=True)
class Forecast:
    """The verdict on one contender.

    Attributes:
        tied: Whether it is tied with the best, by the seeds so far.
        stays_tied: Probability that it is at all planned seeds.
        out_if_best: Probability that it is not, even if it were in truth as good as the one that is ahead of it; 0
            where ``stays_tied`` is above one half.
        beaten_by: Rival → in which draws that rival is the best of all, at all planned seeds, and told from it.
    """

    tied: bool
    stays_tied: float
    out_if_best: float
    beaten_by: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict, repr=False)


def forecast(scores: Mapping[str, Scores], *, left: Sequence[str], planned: int, level: float) -> dict[str, Forecast]:
    """The report's verdict now, and how likely it is that the full grid's will be another.

    Seeds are drawn ``NUM_DRAWS`` times over from a normal model of the seeds' means, m[k] + b[s] + e[k, s]. The texts
    stay as they are, so what they contribute to an interval is known; only what the seeds do is not. Each draw is then
    judged as the report would judge it.

    Args:
        scores: Of all that started, on the same rows; any two of them share two seeds or more.
        left: Those that the verdict is on; at least one.
        planned: Seeds of each in the full grid.
        level: Of the report's verdict.

    Reference:
        Lan, Simon, Halperin (1982), "Stochastically curtailed tests in long-term clinical trials"; Spiegelhalter,
        Freedman, Blackburn (1986), "Monitoring clinical trials: conditional or predictive power?"; Smyth (2004),
        "Linear models and empirical Bayes methods", for seed noise that leans on all contenders'. Differs: the prior
        degrees of freedom are fixed, not estimated.
    """
    pairwise = pairwise_differences(scores)
    tied = simultaneous(pairwise, level=level).leading(left)
    if len(left) < 2:
        return {name: Forecast(True, 1.0, 0.0) for name in left}
    drawn = _SeedMeans.fit([scores[name] for name in left], planned)
    known = _texts([scores[name] for name in left])
    found = {}
    drawn_pairs = [_Gaps.of(drawn.table, place, known.around(place)) for place in range(len(left))]
    critical = _critical(pairwise, left, drawn_pairs, level=level)
    for place, name in enumerate(left):
        beaten = drawn_pairs[place].beaten(critical)
        stays = 1 - float(beaten.any(axis=1).mean())
        out = 0.0
        if stays < 0.5:
            pair = known.around(place)
            out = float(_Gaps.of(drawn.lifted(place, pair), place, pair).beaten(critical).any(axis=1).mean())
        rivals = [rival for rival in left if rival != name]
        found[name] = Forecast(name in tied, stays, out, dict(zip(rivals, beaten.T, strict=True)))
    return found


@dataclass(frozen=True, eq=False)
class _Texts:
    """What the texts contribute to each pair's interval, which further seeds do not change.

    Shape:
        example, residual (K, K) variance components.
    """

    example: NDArray[np.float64]
    residual: NDArray[np.float64]
    num: int

    def around(self, place: int) -> _Texts:
        """Those of one contender and the others, (K − 1,)."""
        return _Texts(np.delete(self.example[place], place), np.delete(self.residual[place], place), self.num)


def _texts(scores: Sequence[Scores]) -> _Texts:
    num = len(scores)
    example, residual = np.zeros((num, num)), np.zeros((num, num))
    for i in range(num):
        for j in range(i):
            shared = tuple(seed for seed in scores[i].seeds if seed in scores[j].seeds)
            squares = mean_squares(scores[i].on(shared) - scores[j].on(shared))
            example[i, j] = example[j, i] = max(squares.examples - squares.residual, 0.0) / len(shared)
            residual[i, j] = residual[j, i] = squares.residual
    return _Texts(example, residual, len(scores[0].row_ids))


@dataclass(frozen=True, eq=False)
class _SeedMeans:
    """Draws of all contenders' means at all planned seeds.

    Shape:
        table (draws, S, K), had (S, K): what is not drawn; truth (draws, K): the mean over any number of seeds; mean,
            noise (K,): what it is now, and its seed variance.
    """

    table: NDArray[np.float64]
    had: NDArray[np.bool_]
    truth: NDArray[np.float64]
    mean: NDArray[np.float64]
    noise: NDArray[np.float64]

    @staticmethod
    def fit(scores: Sequence[Scores], planned: int) -> _SeedMeans:
        """Fit the two-way model, the seed noise of each leaning on that of all, and draw what is missing."""
        places = {seed: i for i, seed in enumerate(dict.fromkeys(seed for one in scores for seed in one.seeds))}
        num, table = len(scores), np.zeros((len(scores), max(planned, len(places))))
        had = np.zeros(table.shape, dtype=bool)
        for row, one in enumerate(scores):
            columns = [places[seed] for seed in one.seeds]
            table[row, columns], had[row, columns] = one.seed_means, True
        seeds = had.sum(axis=1)
        mean, by_seed = _two_way(table, had)
        rest = np.where(had, table - mean[:, None] - by_seed, 0.0)
        df = max(int(had.sum()) - num - int(had.any(axis=0).sum()) + 1, 1)
        pooled = float(np.sum(rest**2)) / df
        weight = np.sqrt(PRIOR_DF + seeds - 1)
        covariance = (PRIOR_DF * pooled * np.eye(num) + rest @ rest.T) / np.outer(weight, weight)
        values, vectors = np.linalg.eigh(covariance)
        factor = vectors * np.sqrt(values.clip(min=0))
        random = np.random.default_rng(0)  # the same numbers at every look: only what was learnt makes a difference
        freedom = PRIOR_DF + seeds - 1
        scale = np.sqrt(freedom / random.chisquare(freedom, (NUM_DRAWS, num)))  # each contender's noise is its own
        truth = mean + scale * (random.standard_normal((NUM_DRAWS, num)) @ factor.T) / np.sqrt(seeds)
        new = scale[:, None, :] * (random.standard_normal((NUM_DRAWS, table.shape[1], num)) @ factor.T)
        drawn = np.where(had.T, table.T, truth[:, None, :] + by_seed[:, None] + new)
        return _SeedMeans(drawn, had.T, truth, mean, np.diagonal(covariance))

    def lifted(self, place: int, texts: _Texts) -> NDArray[np.float64]:
        """The draws, if one contender were as good as the one ahead of it.

        What it lacks now is then in part the luck of the texts, which stays, and in part that of the seeds, which does
        not: the two are normal with mean 0 and known variances, which tells the share of each.
        """
        others = np.delete(self.mean, place)
        ahead = int(others.argmax())
        rival = ahead + (ahead >= place)
        by_text = texts.example[ahead] / texts.num
        seeds = self.had.sum(axis=0)
        by_seed = self.noise[place] / seeds[place] + self.noise[rival] / seeds[rival]
        share = by_text / max(by_text + by_seed, 1e-300)
        now = min(float(self.mean[place] - self.mean[rival]), 0.0)
        drawn = self.truth[:, place] - self.truth[:, rival]
        lift = share * now + np.sqrt(share) * (drawn - now) - drawn
        table = self.table.copy()
        table[:, ~self.had[:, place], place] += lift[:, None]
        return table


def _two_way(table: NDArray[np.float64], had: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least squares of m[k] + b[s] over the cells that are there; b is 0 on average, and where no cell is."""
    num, planned = table.shape
    where = np.argwhere(had)
    design = np.zeros((len(where), num + planned))
    design[np.arange(len(where)), where[:, 0]] = 1
    design[np.arange(len(where)), num + where[:, 1]] = 1
    solved = np.linalg.lstsq(design, table[had], rcond=None)[0]
    seen = had.any(axis=0)
    by_seed = np.asarray(solved[num:], dtype=np.float64)
    shift = float(by_seed[seen].mean())
    return np.asarray(solved[:num] + shift, dtype=np.float64), np.where(seen, by_seed - shift, 0.0)


def _critical(pairwise: Pairwise, left: Sequence[str], drawn: Sequence[_Gaps], *, level: float) -> float:
    """The probability whose t quantile the report will take for each pair, at the likely degrees of freedom."""
    df = pairwise.df.copy()
    for place, name in enumerate(left):
        rivals = [pairwise.index(rival) for rival in left if rival != name]
        df[pairwise.index(name), rivals] = np.median(drawn[place].df, axis=0)
    pairs = list(itertools.combinations(range(len(pairwise.names)), 2))
    largest = LargestT.of_pairs(pairs, pairwise.covariance, df=[df[pair] for pair in pairs])
    if largest.maxima is None:
        return 1 - (1 - level) / (2 * len(pairs))
    return float(ndtr(largest.maxima[math.ceil(level * len(largest.maxima)) - 1]))


@dataclass(frozen=True, eq=False)
class _Gaps:
    """One contender minus each rival in every draw, reckoned as ``components.variance_of_mean`` does.

    Shape:
        value, error, df (draws, K − 1).
    """

    value: NDArray[np.float64]
    error: NDArray[np.float64]
    df: NDArray[np.float64]

    @staticmethod
    def of(table: NDArray[np.float64], place: int, texts: _Texts) -> _Gaps:
        """Of draws (draws, S, K)."""
        gaps = table[:, :, [place]] - np.delete(table, place, axis=2)
        num_seeds = gaps.shape[1]
        seeds = texts.num * gaps.var(axis=1, ddof=1)
        examples = np.broadcast_to(texts.residual + num_seeds * texts.example, seeds.shape)
        residual = np.broadcast_to(texts.residual, seeds.shape)
        total = np.maximum(seeds, residual) + examples - residual
        safe = np.maximum(total, 1e-300)
        spread = seeds**2 / (num_seeds - 1) + examples**2 / (texts.num - 1)
        spread = spread + residual**2 / ((num_seeds - 1) * (texts.num - 1))
        df = np.maximum(total**2 / np.maximum(spread, 1e-300), num_seeds - 1)
        needed = stdtrit(num_seeds - 1, TAIL) * np.sqrt(seeds / safe)
        short = needed > stdtrit(df, TAIL)  # as ``components.lowered_df``
        df[short] = np.maximum(stdtridf(TAIL, needed[short]), num_seeds - 1)
        return _Gaps(gaps.mean(axis=1), np.sqrt(total / (num_seeds * texts.num)), df)

    def beaten(self, critical: float) -> NDArray[np.bool_]:
        """In which draws each rival has the highest mean, and the contender is below it by more than the margin."""
        leads = self.value <= self.value.min(axis=1, keepdims=True)
        below = self.value + stdtrit(self.df, critical) * self.error < 0
        return np.asarray(leads & (self.error > 0) & below)
