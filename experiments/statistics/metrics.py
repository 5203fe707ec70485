"""How often the interval of a difference is wrong, metric by metric.

    python experiments/statistics/metrics.py [STUDIES] > experiments/statistics/metrics.csv

Two poolings see the same texts with five seeds each. The evidence that a model has for a text's target is the truth
plus what is hard about the text for everyone, what is hard for this pooling, the luck of the seed and chance. Two
poolings are equal, or one has more evidence; the truth is then the mean over all studies.
"""

import csv
import itertools
import sys

import numpy as np

from poolsweep.statistics import (
    CLASS_RANKING_SCORES,
    CLASS_SCORES,
    MULTILABEL_RANKING_SCORES,
    MULTILABEL_SCORES,
    NUMBER_SCORES,
    Scores,
    difference,
)

SEEDS = 5
SHARES = np.array([0.4, 0.3, 0.15, 0.08, 0.04, 0.03])  # of six classes; a text has a label with three times that chance


def evidence(generator, truth, strength, luck):
    """What each pooling has, for each seed, (S, N, C); truth (N, C)."""
    hard = generator.normal(size=truth.shape)
    found = []
    for one in strength:
        own = 0.7 * generator.normal(size=truth.shape)
        seeds = luck * generator.normal(size=(SEEDS, 1, truth.shape[1]))
        chance = 0.5 * generator.normal(size=(SEEDS, *truth.shape))
        found.append(one * truth + hard + own + seeds + chance)
    return found


def classes(generator, texts, strength, luck):
    """Labels; probabilities and decisions of each pooling and seed."""
    labels = generator.choice(6, size=texts, p=SHARES)
    logits = evidence(generator, np.eye(6)[labels], strength, luck)
    logits = [one + np.log(SHARES) for one in logits]
    tables = [np.exp(one) / np.exp(one).sum(axis=-1, keepdims=True) for one in logits]
    return labels, tables, [one.argmax(axis=-1) for one in tables]


def two_classes(generator, texts, strength, luck):
    """The same of two classes, the second of a quarter of the texts."""
    labels = (generator.random(texts) < 0.25).astype(int)
    logits = evidence(generator, labels[:, None] - 0.5, strength, luck)
    tables = [1 / (1 + np.exp(1.0 - one[..., 0])) for one in logits]
    return labels, [np.stack([1 - one, one], axis=-1) for one in tables], [(one > 0.5).astype(int) for one in tables]


def several(generator, texts, strength, luck):
    """Targets of six labels; probabilities and decisions of each pooling and seed."""
    targets = (generator.random((texts, 6)) < np.minimum(3 * SHARES, 0.5)).astype(int)
    logits = evidence(generator, targets - 0.5, strength, luck)
    return targets, [1 / (1 + np.exp(-one)) for one in logits], [(one > 0).astype(int) for one in logits]


def numbers(generator, texts, strength, luck):
    """Scores of 0 to 5 in quarters, and predictions; nothing is decided."""
    truth = np.clip(np.round(4 * (2.5 + 1.3 * generator.normal(size=texts))) / 4, 0, 5)
    found = evidence(generator, truth[:, None], np.ones(len(strength)), luck)
    found = [2.0 / one * (part[..., 0] - truth) + truth for one, part in zip(strength, found, strict=True)]
    return truth, [], found


FAMILIES = (
    ("classes", classes, CLASS_SCORES, CLASS_RANKING_SCORES),
    ("two classes", two_classes, {}, {name: CLASS_RANKING_SCORES[name] for name in ("average_precision", "roc_auc")}),
    ("several labels", several, MULTILABEL_SCORES, MULTILABEL_RANKING_SCORES),
    ("numbers", numbers, NUMBER_SCORES, {}),
)


def estimates(generator, family, texts, strength, luck):
    """Metric → the estimate of the difference in one study."""
    _, world, of_decisions, of_probabilities = family
    targets, probabilities, decisions = world(generator, texts, strength, luck)
    found = {}
    for metrics, predicted in ((of_decisions, decisions), (of_probabilities, probabilities)):
        for name, scores_of in metrics.items():
            pair = [
                Scores([scores_of(targets, one) for one in seeds], seeds=range(SEEDS), row_ids=range(texts))
                for seeds in predicted
            ]
            found[name] = difference(*pair).estimate
    return found


def rows(studies):
    """Every family, number of texts, luck of the seeds and difference."""
    for family, texts, luck, more in itertools.product(FAMILIES, (200, 1000), (0.1, 0.5), (1.0, 1.2)):
        generator, found = np.random.default_rng(0), {}
        for _ in range(studies):
            one = estimates(generator, family, texts, (2.0 * more, 2.0), luck)
            for name, estimate in one.items():
                found.setdefault(name, []).append(estimate)
        for name, several_of in found.items():
            truth = 0.0 if more == 1.0 else float(np.mean([one.value for one in several_of]))
            low, high = (np.array([getattr(one, end) for one in several_of]) for end in ("low", "high"))
            yield {
                "targets": family[0], "metric": name, "texts": texts, "seed_luck": luck, "studies": studies,
                "truth": f"{truth:.4f}", "covers": f"{np.mean(~((low > truth) | (high < truth))):.4f}",
                "says_different": f"{np.mean((low > 0) | (high < 0)):.4f}", "width": f"{np.nanmean(high - low):.4f}",
            }  # fmt: skip


def main():
    """Write every row."""
    columns = ("targets", "metric", "texts", "seed_luck", "studies", "truth", "covers", "says_different", "width")
    writer = csv.DictWriter(sys.stdout, columns)
    writer.writeheader()
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        writer.writerow(row)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
