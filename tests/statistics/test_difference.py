"""The designs of a difference, each against scipy where scipy knows it."""

import math

import numpy as np
import pytest
from scipy import stats

from poolsweep.statistics import Scores, difference, mean_score, nested_difference, paired_differences

ROWS = np.arange(60)


def scores(values, *, first_seed=0, deterministic=False):
    seeds = tuple(range(first_seed, first_seed + len(values)))
    return Scores(values, seeds=seeds, row_ids=ROWS, deterministic=deterministic)


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def test_without_example_noise_it_is_the_paired_t_test_over_seeds(generator):
    a, b = generator.normal(size=(5, 1)), generator.normal(size=(5, 1))
    example = generator.normal(size=(1, 60))
    result = difference(scores(a + example), scores(b + example))
    expected = stats.ttest_rel(a[:, 0], b[:, 0])
    assert result.design == "crossed"
    assert result.estimate.p_value == pytest.approx(expected.pvalue)
    assert result.estimate.low == pytest.approx(expected.confidence_interval().low)


def test_without_seed_noise_it_is_the_paired_t_test_over_examples(generator):
    a, b = generator.normal(size=60), generator.normal(size=60)
    result = difference(scores(np.tile(a, (5, 1))), scores(np.tile(b, (5, 1))))
    assert result.estimate.p_value == pytest.approx(stats.ttest_rel(a, b).pvalue)


def test_where_nothing_is_random_it_is_the_paired_t_test_over_examples(generator):
    a, b = generator.normal(size=(1, 60)), generator.normal(size=(1, 60))
    result = difference(scores(a, deterministic=True), scores(b, deterministic=True))
    assert result.design == "deterministic"
    assert result.estimate.p_value == pytest.approx(stats.ttest_rel(a[0], b[0]).pvalue)
    assert result.components.seed == 0


@pytest.mark.parametrize(
    ("seeds", "others", "deterministic"), [(1, 1, False), (1, 1, True), (5, 1, False), (1, 5, False)]
)
def test_one_seed_says_nothing_of_others(generator, seeds, others, deterministic):
    a, b = scores(generator.normal(size=(seeds, 60))), generator.normal(size=(others, 60))
    result = difference(a, scores(b, first_seed=3, deterministic=deterministic))
    assert result.design == "unknown"
    assert result.estimate.value == pytest.approx(a.values.mean() - b.mean())
    assert math.isnan(result.estimate.low)
    assert result.estimate.p_value == 1


def test_the_interval_is_wider_than_either_noise_alone(generator):
    noise = generator.normal(0, 0.3, (5, 1)) + generator.normal(0, 1, (1, 60)) + generator.normal(0, 0.5, (5, 60))
    result = difference(scores(noise), scores(np.zeros((5, 60))))
    over_seeds = noise.mean(axis=1).std(ddof=1) / math.sqrt(5)
    over_examples = noise.mean(axis=0).std(ddof=1) / math.sqrt(60)
    assert result.estimate.standard_error > max(over_seeds, over_examples)


def test_it_changes_sign_with_the_order(generator):
    a, b = scores(generator.normal(size=(4, 60))), scores(generator.normal(size=(4, 60)))
    there, back = difference(a, b).estimate, difference(b, a).estimate
    assert (there.value, there.low, there.p_value) == pytest.approx((-back.value, -back.high, back.p_value))


def test_the_order_of_rows_does_not_matter(generator):
    a, b = scores(generator.normal(size=(4, 60))), scores(generator.normal(size=(4, 60)))
    order = generator.permutation(60)
    shuffled = Scores(b.values[:, order], seeds=b.seeds, row_ids=ROWS[order])
    assert not np.array_equal(order, ROWS), "premise: rows are shuffled"
    assert difference(a, shuffled).estimate.standard_error == pytest.approx(difference(a, b).estimate.standard_error)


def test_identical_contenders_tie_without_an_interval(generator):
    a = scores(generator.normal(size=(5, 60)))
    estimate = difference(a, a).estimate
    assert (estimate.value, estimate.p_value) == (0, 1)
    assert math.isnan(estimate.low)


@pytest.mark.parametrize(("seeds", "first_seed", "deterministic"), [(3, 0, False), (3, 5, False), (1, 0, True)])
def test_a_variance_of_zero_is_floored_at_the_noise_of_the_texts_that_differ(seeds, first_seed, deterministic):
    """One is right on all 60 texts, the other on none: McNemar's error is √60 / 60, not 0."""
    right, wrong = np.ones((seeds, 60)), np.zeros((seeds, 60))
    result = difference(scores(right), scores(wrong, first_seed=first_seed)) if not deterministic else difference(
        scores(right, deterministic=True), scores(wrong, deterministic=True)
    )  # fmt: skip
    assert result.estimate.standard_error == pytest.approx(math.sqrt(60) / 60)
    assert result.estimate.df == 59


def test_two_splits_that_agree_by_chance_are_no_certainty():
    """Each differs by 2 of 60 texts."""
    a, b = {0: 0.70, 1: 0.75}, {0: 0.70 - 2 / 60, 1: 0.75 - 2 / 60}
    assert math.isnan(nested_difference(a, b).estimate.low)
    assert nested_difference(a, b).estimate.p_value == 1
    floored = nested_difference(a, b, example_noise=10 / 60**2).estimate
    assert floored.standard_error == pytest.approx(math.sqrt(10 / 60**2 / 2))
    assert nested_difference(a, {0: 0.6, 1: 0.9}, example_noise=1e-9) == nested_difference(a, {0: 0.6, 1: 0.9})


def test_seeds_are_paired_where_they_are_shared(generator):
    luck = generator.normal(0, 5, (6, 1))  # a seed's luck that both contenders have
    a = Scores(luck[:5] + generator.normal(size=(5, 60)), seeds=(0, 1, 2, 3, 4), row_ids=ROWS)
    b = Scores(luck[1:] + generator.normal(size=(5, 60)), seeds=(1, 2, 3, 4, 5), row_ids=ROWS)
    result = difference(a, b)
    assert (result.design, result.num_seeds) == ("crossed", 4)
    assert result.estimate.standard_error < 0.5, "pairing takes the shared luck out"


def test_seeds_that_are_not_shared_are_all_used(generator):
    a = scores(generator.normal(size=(6, 60)))
    b = scores(generator.normal(size=(4, 60)), first_seed=5)
    assert paired_differences(a, b) is None
    result = difference(a, b)
    assert (result.design, result.num_seeds) == ("unpaired seeds", 4)
    assert result.estimate.value == pytest.approx(a.values.mean() - b.values.mean())


@pytest.mark.parametrize(("first_seed", "design"), [(2, "crossed"), (3, "unpaired seeds")])
def test_a_small_overlap_of_seeds_is_not_worth_pairing(generator, first_seed, design):
    """Three of five shared seeds are paired, two of five are not."""
    a, b = scores(generator.normal(size=(5, 60))), scores(generator.normal(size=(5, 60)), first_seed=first_seed)
    assert difference(a, b).design == design


def test_unpaired_without_example_noise_is_welchs_test(generator):
    a, b = generator.normal(size=(6, 1)), generator.normal(0, 3, size=(4, 1))
    example = generator.normal(size=(1, 60))
    result = difference(scores(a + example), scores(b + example, first_seed=10))
    expected = stats.ttest_ind(a[:, 0], b[:, 0], equal_var=False)
    assert result.estimate.p_value == pytest.approx(expected.pvalue)


def test_a_deterministic_contender_stands_for_every_seed(generator):
    a = generator.normal(size=(5, 60))
    fixed = generator.normal(size=(1, 60))
    result = difference(scores(a), scores(fixed, deterministic=True))
    expected = mean_score(scores(a - fixed))
    assert (result.design, result.num_seeds) == ("crossed", 5)
    assert result.estimate == expected.estimate


def test_other_test_rows_are_refused():
    a = Scores([[0, 1]], seeds=(0,), row_ids=[0, 1])
    b = Scores([[0, 1]], seeds=(0,), row_ids=[0, 2])
    with pytest.raises(ValueError, match="different rows"):
        difference(a, b)


def test_one_example_tells_nothing():
    result = mean_score(Scores([[1.0], [0.0]], seeds=(0, 1), row_ids=[0]))
    assert math.isnan(result.estimate.low)
    assert result.estimate.p_value == 1


def test_nested_is_the_paired_t_test_over_seeds():
    a, b = [0.81, 0.84, 0.79, 0.83], [0.80, 0.80, 0.78, 0.84]
    result = nested_difference(dict(enumerate(a)), dict(enumerate(b)))
    assert result.estimate.p_value == pytest.approx(stats.ttest_rel(a, b).pvalue)


def test_resampled_splits_are_corrected_by_nadeau_and_bengio():
    a, b = {0: 0.8, 1: 0.9, 2: 0.7}, {0: 0.7, 1: 0.7, 2: 0.7}
    plain, corrected = nested_difference(a, b), nested_difference(a, b, test_to_train=0.25)
    ratio = corrected.estimate.standard_error / plain.estimate.standard_error
    assert ratio == pytest.approx(math.sqrt((1 / 3 + 0.25) / (1 / 3)))


def test_nested_needs_two_shared_seeds():
    with pytest.raises(ValueError, match="at least two seeds in common, got 1"):
        nested_difference({0: 0.8, 1: 0.9}, {1: 0.7, 2: 0.7})
    with pytest.raises(ValueError, match="test_to_train must not be negative"):
        nested_difference({0: 0.8, 1: 0.9}, {0: 0.7, 1: 0.7}, test_to_train=-1)
