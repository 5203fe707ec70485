"""How often each way of comparing two poolings is wrong, where the truth is known.

    python experiments/statistics/simulate.py [ROUNDS] > experiments/statistics/results.csv

Correctness of S seeds on N shared texts: texts are easy or hard for everyone and for each pooling, seeds have luck, and
the rest is chance of each run on each text. Two poolings differ by ``effect`` points in truth, or not at all.
"""

import csv
import itertools
import math
import sys

import numpy as np
from scipy.special import ndtri

from poolsweep.statistics import (
    Scores,
    compare_with_best,
    difference,
    pairwise_differences,
    sign_flip_test,
)
from poolsweep.statistics.estimate import seed_summary

TEXT, OWN, CHANCE, BASE = 1.0, 0.7, 0.5, 0.75  # spreads of difficulty, and the accuracy of the worse pooling
SEEDS = 5
RESAMPLED = np.array([np.bincount(drawn, minlength=SEEDS) for drawn in itertools.product(range(SEEDS), repeat=SEEDS)])


def runs(generator, accuracies, *, luck, num_texts):
    """0 and 1 of every pooling, seed and text, (K, S, N), with the given accuracies in expectation."""
    spread = math.sqrt(TEXT**2 + OWN**2 + luck**2 + CHANCE**2)
    shift = spread * ndtri(np.asarray(accuracies))[:, None, None]
    num = len(accuracies)
    hard = TEXT * generator.normal(size=(1, 1, num_texts)) + OWN * generator.normal(size=(num, 1, num_texts))
    noise = luck * generator.normal(size=(num, SEEDS, 1)) + CHANCE * generator.normal(size=(num, SEEDS, num_texts))
    return (hard + noise < shift).astype(float)


def scores(table, *, deterministic=False):
    """One pooling's scores."""
    seeds, rows = tuple(range(len(table))), np.arange(table.shape[1])
    return Scores(table, seeds=seeds, row_ids=rows, deterministic=deterministic)


def intervals(first, second, *, with_bootstrap):
    """Name → (low, high) of the difference."""
    gaps = (first - second).mean(axis=1)
    ours = difference(scores(first), scores(second)).estimate
    one = difference(*(scores(table[:1], deterministic=True) for table in (first, second))).estimate  # as if it were
    alone = seed_summary(gaps)
    found = {
        "seeds and texts (poolsweep)": (ours.low, ours.high),
        "t over seeds alone": (alone.low, alone.high),
        "paired by text, one seed": (one.low, one.high),
        "bootstrap of the seeds": tuple(np.quantile(RESAMPLED @ gaps / SEEDS, [0.025, 0.975])),
    }
    if with_bootstrap:
        found["bootstrap of seeds and texts"] = two_way_bootstrap(first - second, resamples=300)
    return found, sign_flip_test(gaps)


def two_way_bootstrap(gaps, *, resamples):
    """The 95% percentile interval where seeds and texts are both drawn anew (Owen, Eckles 2012), (S, N) → low, high."""
    num_seeds, num_texts = gaps.shape
    drawing = np.random.default_rng(0)
    weights = drawing.multinomial(num_seeds, np.full(num_seeds, 1 / num_seeds), size=resamples) / num_seeds
    drawn = drawing.integers(num_texts, size=(resamples, num_texts))
    means = np.take_along_axis(weights @ gaps, drawn, axis=1).mean(axis=1)
    return tuple(np.quantile(means, [0.025, 0.975]))


def pairs(generator, rounds):
    """Coverage, and how often zero is left out, by design and method."""
    for luck, num_texts, effect in itertools.product((0.0, 0.1, 0.3), (200, 1000), (0.0, 0.05)):
        counts = {}
        for i in range(rounds):
            first, second = runs(generator, (BASE + effect, BASE), luck=luck, num_texts=num_texts)
            found, signs = intervals(first, second, with_bootstrap=i % 5 == 0)
            for name, (low, high) in found.items():
                counts.setdefault(name, []).append((low <= effect <= high, low > 0 or high < 0, high - low))
            counts.setdefault("sign flips", []).append((math.nan, signs.p_value < 0.05, math.nan))
        for name, rows in counts.items():
            covers, rejects, width = np.mean(np.array(rows, dtype=float), axis=0)
            yield {"question": "two poolings", "seed_luck": luck, "texts": num_texts, "true_difference": effect,
                   "method": name, "rounds": len(rows), "covers": covers, "says_different": rejects,
                   "width": width}  # fmt: skip


def sets(generator, rounds):
    """How often the leading set holds the true best, and how many it holds, among six."""
    for gap in (0.0, 0.05, 0.1):
        held, sizes = [], []
        for _ in range(rounds):
            tables = runs(generator, (0.8, *[0.8 - gap] * 5), luck=0.1, num_texts=1000)
            named = {str(i): scores(table) for i, table in enumerate(tables)}
            leading = compare_with_best(pairwise_differences(named)).leading
            held.append("0" in leading)
            sizes.append(len(leading))
        yield {"question": "best of six", "seed_luck": 0.1, "texts": 1000, "true_difference": gap, "method": "Hsu",
               "rounds": rounds, "covers": np.mean(held), "says_different": "", "width": np.mean(sizes)}  # fmt: skip


def _cell(value):
    return value if not isinstance(value, float) else "" if math.isnan(value) else f"{value:.4f}"


def main():
    """Write every row."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    generator = np.random.default_rng(0)
    columns = (
        "question",
        "seed_luck",
        "texts",
        "true_difference",
        "method",
        "rounds",
        "covers",
        "says_different",
        "width",
    )
    writer = csv.DictWriter(sys.stdout, columns)
    writer.writeheader()
    for row in itertools.chain(pairs(generator, rounds), sets(generator, max(rounds // 5, 1))):
        writer.writerow({key: _cell(value) for key, value in row.items()})
        sys.stdout.flush()


if __name__ == "__main__":
    main()
