"""How many seeds or examples settle a tie: hand-made cases, and whether the plan keeps its word."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from poolsweep.statistics import (
    Difference,
    Scores,
    VarianceComponents,
    difference,
    mean_score,
    nested_difference,
    seeds_to_settle,
)
from poolsweep.statistics.components import mean_squares, variance_of_mean
from poolsweep.statistics.estimate import t_estimate


def tie(components, *, value=0.01, seeds=5, examples=1000, design="crossed"):
    variance = components.variance_of_mean(seeds, examples)
    return Difference(t_estimate(value, variance, seeds - 1), design, components, seeds, examples)


def test_seed_noise_alone_is_the_one_sample_t_tests_plan():
    plan = seeds_to_settle(tie(VarianceComponents(4e-4, 0, 0)))
    smallest = next(
        n for n in range(5, 100) if (stats.t.ppf(0.975, n - 1) + stats.t.ppf(0.8, n - 1)) * 0.02 / math.sqrt(n) <= 0.01
    )
    assert plan.num_seeds == smallest
    assert plan.extra_seeds == smallest - 5


def test_a_test_set_that_is_too_small_asks_for_examples():
    result = tie(VarianceComponents(1e-5, 0.1, 0.05))
    assert 1.96 * math.sqrt(0.1 / 1000) > 0.01, "premise: the examples alone hide the difference"
    plan = seeds_to_settle(result)
    assert plan.num_seeds is None
    assert plan.num_examples is not None
    assert plan.num_examples > 0.1 * (2.8 / 0.01) ** 2
    assert plan.obstacle == ""


def test_more_seeds_come_with_the_examples_where_both_are_short():
    plan = seeds_to_settle(tie(VarianceComponents(5e-4, 0.1, 0.05)))
    assert plan.num_seeds is None
    assert plan.seeds_with_examples is not None
    assert plan.seeds_with_examples > 5


def test_the_plan_keeps_its_word():
    """With the number of seeds it asks for, the interval leaves out zero about as often as promised."""
    truth = VarianceComponents(seed=3e-4, example=0.02, residual=0.05)
    plan = seeds_to_settle(tie(truth, value=0.015))
    assert plan.num_seeds is not None
    generator = np.random.default_rng(0)
    found = 0
    for _ in range(300):
        table = 0.015 + generator.normal(0, math.sqrt(truth.seed), (plan.num_seeds, 1))
        table = table + generator.normal(0, math.sqrt(truth.example), (1, 1000))
        table = table + generator.normal(0, math.sqrt(truth.residual), (plan.num_seeds, 1000))
        variance, df = variance_of_mean(mean_squares(table))
        found += t_estimate(float(table.mean()), variance, df).significant
    assert found / 300 == pytest.approx(0.8, abs=0.07)


def test_more_comparisons_and_more_power_need_more_seeds():
    result = tie(VarianceComponents(4e-4, 0, 0))
    base = seeds_to_settle(result).num_seeds
    assert base is not None
    assert (seeds_to_settle(result, comparisons=10).num_seeds or 0) > base
    assert (seeds_to_settle(result, power=0.95).num_seeds or 0) > base
    assert (seeds_to_settle(tie(VarianceComponents(4e-4, 0, 0), value=0.02)).num_seeds or 999) < base


def test_what_is_settled_needs_nothing():
    plan = seeds_to_settle(tie(VarianceComponents(1e-6, 0.001, 0.001), value=0.1))
    assert (plan.settled, plan.extra_seeds) == (True, 0)


def test_identical_contenders_never_settle():
    scores = Scores(np.ones((3, 5)), seeds=(0, 1, 2), row_ids=range(5))
    assert "score the same" in seeds_to_settle(difference(scores, scores)).obstacle


def test_one_seed_cannot_tell():
    generator = np.random.default_rng(0)
    single = mean_score(Scores(generator.normal(size=(1, 50)), seeds=(0,), row_ids=range(50)))
    assert "One seed tells nothing of others" in seeds_to_settle(single).obstacle


def test_deterministic_contenders_ask_for_examples():
    generator = np.random.default_rng(0)
    table = generator.normal(size=(1, 50))
    fixed = mean_score(Scores(table, seeds=(0,), row_ids=range(50), deterministic=True))
    plan = seeds_to_settle(fixed)
    assert plan.num_seeds is None
    needed = (2.8 * table.std(ddof=1) / fixed.estimate.value) ** 2
    assert plan.num_examples == pytest.approx(needed, rel=0.02)


def test_splits_of_their_own():
    a, b = dict(enumerate([0.82, 0.84, 0.79, 0.83])), dict(enumerate([0.80, 0.80, 0.80, 0.82]))
    assert (seeds_to_settle(nested_difference(a, b)).num_seeds or 0) > 4
    overlapping = seeds_to_settle(nested_difference(a, b, test_to_train=1.0))
    assert overlapping.num_seeds is None
    assert "share their training rows" in overlapping.obstacle


def test_a_hopelessly_small_difference_says_so():
    plan = seeds_to_settle(tie(VarianceComponents(1.0, 1.0, 1.0), value=1e-6))
    assert (plan.num_seeds, plan.num_examples) == (None, None)
    assert "within reach" in plan.obstacle


@pytest.mark.parametrize("options", [{"power": 1.0}, {"comparisons": 0}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match="power must lie between"):
        seeds_to_settle(tie(VarianceComponents(1e-4, 0, 0)), **options)


def test_results_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        seeds_to_settle(tie(VarianceComponents(4e-4, 0, 0))).settled = True  # type: ignore[misc]
