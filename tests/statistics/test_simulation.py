"""The promises, by simulation: false positives, coverage, and the set that holds the best.

Tolerances are about three standard errors of the simulation; a t over seeds or examples alone misses them, which is
asserted too. Larger runs with their table are in experiments/statistics.
"""

import numpy as np
import pytest

from poolsweep.statistics import Scores, compare_with_best, difference, f1_scores, pairwise_differences
from poolsweep.statistics.estimate import seed_summary

NUM_SEEDS, NUM_EXAMPLES = 5, 200


def binary(generator, rate, *, seed_noise, num_contenders=2):
    """Correctness of contenders that share what is hard: (K, S, N) of 0 and 1."""
    ease = generator.normal(size=(1, 1, NUM_EXAMPLES)) + 0.7 * generator.normal(size=(num_contenders, 1, NUM_EXAMPLES))
    luck = seed_noise * generator.normal(size=(num_contenders, NUM_SEEDS, 1))
    noise = 0.5 * generator.normal(size=(num_contenders, NUM_SEEDS, NUM_EXAMPLES))
    return (ease + luck + noise > -rate).astype(float)


def contender(values):
    return Scores(values, seeds=tuple(range(len(values))), row_ids=np.arange(values.shape[1]))


def fixed(values):
    return Scores(values, seeds=(0,), row_ids=np.arange(values.shape[1]), deterministic=True)


@pytest.mark.parametrize("seed_noise", [0.0, 0.1, 0.3])
def test_false_positives_are_at_the_nominal_level(seed_noise):
    generator = np.random.default_rng(0)
    rounds, ours, seeds_alone, examples_alone = 1000, 0, 0, 0
    for _ in range(rounds):
        first, second = binary(generator, 0.9, seed_noise=seed_noise)
        ours += difference(contender(first), contender(second)).estimate.significant
        alone = seed_summary((first - second).mean(axis=1))
        seeds_alone += not alone.low <= 0 <= alone.high
        examples_alone += difference(fixed(first[:1]), fixed(second[:1])).estimate.significant
    assert 0.02 <= ours / rounds <= 0.075
    assert max(seeds_alone, examples_alone) / rounds > 0.085, "premise: one source of noise is not enough here"


def test_intervals_of_macro_f1_cover():
    generator = np.random.default_rng(1)
    prior, rounds = [0.6, 0.3, 0.1], 500

    def predicted(labels, skill):
        right = generator.random(labels.shape) < skill
        return np.where(right, labels, generator.choice(3, size=labels.shape, p=prior))

    def table(labels, skills):
        return contender(np.stack([f1_scores(labels, predicted(labels, skill)) for skill in skills]))

    labels = generator.choice(3, size=400_000, p=prior)
    truth = f1_scores(labels, predicted(labels, 0.8)).mean() - f1_scores(labels, predicted(labels, 0.7)).mean()
    covered = 0
    for _ in range(rounds):
        labels = generator.choice(3, size=400, p=prior)
        luck = generator.normal(0, 0.02, (2, NUM_SEEDS))
        estimate = difference(table(labels, 0.8 + luck[0]), table(labels, 0.7 + luck[1])).estimate
        covered += estimate.low <= truth <= estimate.high
    assert 0.92 <= covered / rounds <= 0.985


def test_the_leading_set_holds_the_true_best():
    """Three are equally good, so that naming one as the best in advance is the hardest case; one is far worse."""
    generator = np.random.default_rng(2)
    rounds, held, kept_the_worst = 200, 0, 0
    for _ in range(rounds):
        tables = binary(generator, np.array([0.9, 0.9, 0.9, -0.3]).reshape(4, 1, 1), seed_noise=0.1, num_contenders=4)
        contenders = {str(i): contender(table) for i, table in enumerate(tables)}
        leading = compare_with_best(pairwise_differences(contenders)).leading
        held += "0" in leading
        kept_the_worst += "3" in leading
    assert 0.91 <= held / rounds <= 0.995
    assert kept_the_worst / rounds < 0.02
