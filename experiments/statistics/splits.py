"""How often intervals over several splits are wrong, with classifiers that are really trained on overlapping rows.

    python experiments/statistics/splits.py [STUDIES] > experiments/statistics/splits.csv

Each study draws a data set of two classes, divides it, and fits a ridge classifier on each pooling's features. A
pooling is a noisy linear view of 10 latent features; two poolings are equal if their noise is. "Bootstrap" is a new
draw of the training rows for each seed, as the probe's. The truth is the mean over all studies, whose splits share
nothing. *Luck* adds to every score of a split what its training set did, alike for two splits by a given correlation.
"""

import csv
import itertools
import sys

import numpy as np

from poolsweep.statistics import (
    Resampling,
    Scores,
    critical,
    difference_over_splits,
    nested_difference,
    pairwise_splits,
    simultaneous,
)

critical.NUM_POINTS = 2**12  # quantiles to 0.02, in a fraction of the time
LATENT, TEST_ROWS, SHARE = 10, 500, 0.2
SIZES = ((200, 16), (400, 64))  # rows and features
DESIGNS = (  # test rows, splits, seeds (0: nothing is random)
    ("k-fold", 5, 0), ("k-fold", 5, 1), ("k-fold", 5, 3), ("k-fold", 10, 1),
    ("random", 3, 1), ("random", 3, 3), ("random", 10, 0), ("random", 10, 1), ("random", 10, 3),
    ("given, folds", 5, 0), ("given, folds", 5, 1), ("given, folds", 5, 3), ("given, folds", 10, 1),
    ("given, random", 3, 3), ("given, random", 10, 1),
)  # fmt: skip


def features(generator, noises, rows, width):
    """Labels, and the features of each pooling."""
    labels = generator.integers(0, 2, rows)
    latent = generator.normal(size=(rows, LATENT)) + np.where(labels, 0.3, -0.3)[:, None]
    view = 0.7 * generator.normal(size=(LATENT, width)) / np.sqrt(LATENT)
    return labels, [
        np.column_stack([latent @ view + noise * generator.normal(size=(rows, width)), np.ones(rows)])
        for noise in noises
    ]


def right(inputs, labels, train, test):
    """1 where a ridge classifier is right."""
    known = inputs[train]
    weights = np.linalg.solve(known.T @ known + np.eye(known.shape[1]), known.T @ (2.0 * labels[train] - 1))
    return ((inputs[test] @ weights > 0) == labels[test]).astype(float)


def divided(generator, rows, test_rows, num_splits):
    """Training and test rows of each split."""
    order = generator.permutation(rows)
    for split in range(num_splits):
        if "random" in test_rows:
            left_out = generator.permutation(rows)[: int(SHARE * rows)]
        else:
            left_out = order[split::num_splits]
        given = np.arange(rows, rows + TEST_ROWS)
        yield np.setdiff1d(order, left_out), given if "given" in test_rows else left_out


def study(generator, noises, rows, width, design):
    """Split → scores, for each pooling."""
    test_rows, num_splits, seeds = design
    labels, inputs = features(generator, noises, rows + TEST_ROWS * ("given" in test_rows), width)
    found = [{} for _ in noises]
    for split, (train, test) in enumerate(divided(generator, rows, test_rows, num_splits)):
        drawn = [generator.choice(train, len(train)) for _ in range(seeds)] or [train]
        for scores, one in zip(found, inputs, strict=True):
            table = [right(one, labels, chosen, test) for chosen in drawn]
            scores[split] = Scores(table, seeds=range(len(drawn)), row_ids=test, deterministic=not seeds)
    return found


def resampling(design, rows):
    """How the splits of a design were drawn."""
    test_rows, num_splits, _ = design
    if "random" in test_rows:
        return Resampling(rows * (1 - SHARE), rows)
    return Resampling(rows * (1 - 1 / num_splits), rows, folds=num_splits)


def intervals(first, second, plan, design):
    """Method → the estimate of the difference."""
    means = [{split: scores.mean for split, scores in one.items()} for one in (first, second)]
    ratio = (plan.pool_rows - plan.train_rows) / plan.train_rows
    return {
        "poolsweep": difference_over_splits(first, second, plan).estimate,
        "Nadeau, Bengio": nested_difference(*means, test_to_train=ratio).estimate,
        "t over splits": nested_difference(*means).estimate,
    }


def lucky(generator, design, correlation):
    """Two equal poolings of scores, whose training sets have luck that splits share in part."""
    test_rows, num_splits, seeds = design
    common = "given" in test_rows
    found = []
    text = generator.normal(size=400)
    for _ in range(2):
        own, scores = text + 0.7 * generator.normal(size=400), {}
        shared = np.sqrt(correlation) * generator.normal()
        for split in range(num_splits):
            luck = 0.1 * (shared + np.sqrt(1 - correlation) * generator.normal())
            rows = np.arange(400) if common else np.arange(split, 400, num_splits)
            table = own[rows] + luck + generator.normal(size=(seeds, len(rows)))
            scores[split] = Scores(table, seeds=range(seeds), row_ids=rows)
        found.append(scores)
    return found[0], found[1]


def summary(estimates, truth):
    """How often the interval covers, how often it leaves out zero, and its mean width in points."""
    low, high = (np.array([getattr(one, end) for one in estimates]) for end in ("low", "high"))
    return {
        "truth": f"{100 * truth:.2f}", "covers": f"{np.mean((low <= truth) & (truth <= high)):.4f}",
        "says_different": f"{np.mean((low > 0) | (high < 0)):.4f}", "width": f"{100 * np.mean(high - low):.1f}",
    }  # fmt: skip


def pairs(studies):
    """Two poolings in every design."""
    for design, (rows, width), other in itertools.product(DESIGNS, SIZES, (1.0, 1.6)):
        generator, plan, found = np.random.default_rng(0), resampling(design, rows), {}
        for _ in range(studies):
            first, second = study(generator, (1.0, other), rows, width, design)
            for name, estimate in intervals(first, second, plan, design).items():
                found.setdefault(name, []).append(estimate)
        truth = 0.0 if other == 1.0 else float(np.mean([one.value for one in found["poolsweep"]]))
        for name, estimates in found.items():
            yield design, rows, "two poolings", name, summary(estimates, truth)


def sets(studies):
    """Six equal poolings: how often some are said to be worse than the best of them."""
    for design, (rows, width) in itertools.product((DESIGNS[1], DESIGNS[5], DESIGNS[10], DESIGNS[11]), SIZES[:1]):
        generator, plan = np.random.default_rng(1), resampling(design, rows)
        told = []
        for _ in range(studies):
            named = {str(i): one for i, one in enumerate(study(generator, [1.0] * 6, rows, width, design))}
            told.append(len(simultaneous(pairwise_splits(named, plan)).leading()) < 6)
        yield design, rows, "six poolings", "poolsweep", {"says_different": f"{np.mean(told):.4f}"}


def limits(studies):
    """Training sets whose luck is as large as one text's noise over 100 texts, and splits that share it."""
    for design, correlation in itertools.product((("k-fold", 5, 3), ("given, folds", 5, 3)), (0.0, 0.5625, 0.75)):
        generator, plan = np.random.default_rng(2), resampling(design, 400)
        found = [difference_over_splits(*lucky(generator, design, correlation), plan).estimate for _ in range(studies)]
        yield design, 400, f"luck, correlated {correlation}", "poolsweep", summary(found, 0.0)


def main():
    """Write every row."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    columns = ("test_rows", "splits", "seeds", "rows", "question", "method", "studies", "truth", "covers",
               "says_different", "width")  # fmt: skip
    writer = csv.DictWriter(sys.stdout, columns)
    writer.writeheader()
    for design, rows, question, method, cells in itertools.chain(pairs(studies), sets(studies), limits(2 * studies)):
        facts = dict(zip(columns[:3], design, strict=True)) | {"rows": rows, "question": question, "method": method}
        number = 2 * studies if question.startswith("luck") else studies
        writer.writerow(facts | {"studies": number} | cells)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
