"""Multiple comparison with the best: a published example, edge cases, and the promise it makes."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from poolsweep.statistics import Pairwise, Scores, compare_with_best, pairwise_differences, pairwise_nested
from poolsweep.statistics.best import constrained_intervals, correlation_around


def independent_means(means, variance_of_mean, df):
    """Pairwise of a one-way analysis of variance, whose means are independent with one variance."""
    means = np.asarray(means, dtype=float)
    num, value = len(means), means[:, None] - means
    error = math.sqrt(2 * variance_of_mean) * (1 - np.eye(num))
    p_value = np.where(error > 0, 2 * stats.t.sf(np.abs(value) / np.where(error > 0, error, 1), df), 1.0)
    names = tuple(f"blend {i + 1}" for i in range(num))
    return Pairwise(names, means, value, error, np.full((num, num), df), p_value, variance_of_mean * np.eye(num), {})


def test_minitabs_paint_hardness_example():
    """Minitab Help, "Hsu simultaneous CIs": its means and interval ends (six plates a blend, MSE 15.605)."""
    means = np.array([14.7333, 8.5667, 12.9833, 18.0667])
    published = {"blend 2": (-14.5, 0), "blend 3": (-10.0833, 0)}
    # 2.192 is Dunnett's one-sided 5% point for 3 comparisons and 20 degrees of freedom
    low, high, _ = constrained_intervals(means[:, None] - means, np.full((4, 4), 2.192 * math.sqrt(15.605 / 3)))
    for i, ends in ((1, published["blend 2"]), (2, published["blend 3"])):
        assert (low[i], high[i]) == pytest.approx(ends, abs=0.005)
    verdict = compare_with_best(independent_means(means, 15.605 / 6, 20))
    found = {item.name: item for item in verdict.comparisons}
    for name, ends in published.items():  # scales of their own, from 20 degrees of freedom, cost 1% of the margin
        assert (found[name].low, found[name].high) == pytest.approx(ends, abs=0.1)
    assert set(verdict.leading) == {"blend 4", "blend 1"}
    assert verdict.comparisons[0].name == "blend 4"


def test_two_contenders_are_a_one_sided_t_test():
    pair = independent_means([1.0, 0.0], 0.1, 9)
    verdict = compare_with_best(pair)
    worse = verdict.comparisons[1]
    assert worse.p_value == pytest.approx(stats.t.sf(1 / math.sqrt(0.2), 9))
    assert worse.high == 0 if worse.p_value < 0.05 else worse.high > 0
    assert worse.low == pytest.approx(-1 - stats.t.ppf(0.95, 9) * math.sqrt(0.2))


def test_the_set_is_what_the_p_values_say():
    generator = np.random.default_rng(0)
    for _ in range(10):
        study = independent_means(generator.normal(0, 1, 5), 0.15, 6)
        found = compare_with_best(study).comparisons
        assert len(found) == 5
        for item in found:
            assert item.could_be_best == (item.p_value > 0.05) or item.p_value == pytest.approx(0.05, abs=1e-3)
            assert item.could_be_best == (item.high > 0)


def test_a_sole_winner_has_an_interval_above_zero():
    verdict = compare_with_best(independent_means([9.0, 1.0, 0.5], 0.01, 20))
    assert verdict.leading == ("blend 1",)
    assert verdict.comparisons[0].low == 0
    assert verdict.comparisons[0].gap == pytest.approx(8)
    assert all(item.high == 0 for item in verdict.comparisons[1:])


def test_lower_is_better():
    losses = independent_means([0.2, 0.9, 0.21], 0.0004, 20)
    verdict = compare_with_best(losses, higher_is_better=False)
    assert verdict.leading == ("blend 1", "blend 3")
    last = verdict.comparisons[-1]
    assert last.name == "blend 2"
    assert last.gap == pytest.approx(0.7)
    assert last.low == 0
    assert last.high > 0.7


def test_identical_contenders_stay_together():
    rows = np.arange(200)
    generator = np.random.default_rng(1)
    good, bad = generator.random((4, 200)) < 0.9, generator.random((4, 200)) < 0.4
    by_name = {"max": bad, "mean": good, "copy": good}
    contenders = {name: Scores(v, seeds=(0, 1, 2, 3), row_ids=rows) for name, v in by_name.items()}
    verdict = compare_with_best(pairwise_differences(contenders))
    assert verdict.leading == ("mean", "copy")


def test_one_contender_is_the_best():
    verdict = compare_with_best(independent_means([0.5], 0.1, 4))
    assert verdict.leading == ("blend 1",)
    assert (verdict.comparisons[0].low, verdict.comparisons[0].high) == (0, 0)


def test_an_unknown_error_never_excludes():
    by_name = {"one": [[1.0]], "two": [[0.0]]}
    contenders = {name: Scores(v, seeds=(0,), row_ids=[0]) for name, v in by_name.items()}
    assert set(compare_with_best(pairwise_differences(contenders)).leading) == {"one", "two"}


def test_without_a_correlation_the_set_is_no_smaller():
    study = independent_means([1.0, 0.62, 0.4, 0.1], 0.02, 12)
    blind = dataclasses.replace(study, covariance=None)
    assert set(compare_with_best(study).leading) <= set(compare_with_best(blind).leading)
    known, unknown = compare_with_best(study).comparisons[1], compare_with_best(blind).comparisons[1]
    assert known.p_value < unknown.p_value


def test_constrained_intervals_by_hand():
    # differences 2 and 5 to the best, margins 3: the second could be the best, the third could not
    value = np.array([[0, 2, 5], [-2, 0, 3], [-5, -3, 0.0]])
    low, high, could = constrained_intervals(value, np.full((3, 3), 3.0))
    assert could.tolist() == [True, True, False]
    assert low.tolist() == [-1, -5, -8]
    assert high.tolist() == [5, 1, 0]


def test_constrained_intervals_take_each_rows_own_margin():
    # the first could be the best only within its margin of 1, but is 2 behind; its low end takes the second row's 4
    value, margin = np.array([[0, -2.0], [2.0, 0]]), np.array([[0, 1.0], [4.0, 0]])
    low, high, could = constrained_intervals(value, margin)
    assert could.tolist() == [False, True]
    assert low.tolist() == [-6, 0]
    assert high.tolist() == [0, 6]


def test_correlation_around_independent_means_is_a_half():
    correlation = correlation_around(independent_means([1.0, 2.0, 3.0], 0.3, 4), 1)
    assert correlation == pytest.approx(np.array([[1, 0.5], [0.5, 1]]))


def test_pairs_keep_their_own_seeds_and_share_the_rows():
    generator = np.random.default_rng(2)
    rows = np.arange(300)
    contenders = {
        "mean": Scores(generator.random((5, 300)) < 0.8, seeds=(0, 1, 2, 3, 4), row_ids=rows),
        "cls": Scores(generator.random((4, 300)) < 0.6, seeds=(0, 1, 2, 3), row_ids=rows[::-1]),
        "max": Scores(generator.random((3, 300)) < 0.6, seeds=(7, 8, 9), row_ids=rows),
    }
    pairwise = pairwise_differences(contenders)
    assert pairwise.differences["mean", "cls"].num_seeds == 4
    assert pairwise.differences["mean", "max"].design == "unpaired seeds"
    assert pairwise.covariance is None, "premise: no seed is common to all"
    assert compare_with_best(pairwise).leading == ("mean",)


def test_covariance_of_means_holds_the_pairs_variance():
    generator = np.random.default_rng(3)
    seed_luck, example = generator.normal(0, 0.2, (3, 8, 1)), generator.normal(0, 1, (3, 1, 400))
    tables = seed_luck + example + generator.normal(0, 0.5, (3, 8, 400))
    contenders = {
        name: Scores(table, seeds=tuple(range(8)), row_ids=np.arange(400))
        for name, table in zip("abc", tables, strict=True)
    }
    pairwise = pairwise_differences(contenders)
    assert pairwise.covariance is not None
    contrast = np.array([1.0, -1.0, 0.0])
    variance = contrast @ pairwise.covariance @ contrast
    assert variance == pytest.approx(pairwise.standard_error[0, 1] ** 2, rel=0.1)
    assert np.linalg.eigvalsh(pairwise.covariance).min() > 0


def test_covariance_of_means_follows_the_row_ids():
    generator = np.random.default_rng(4)
    order = generator.permutation(50)
    a, b = generator.normal(size=(2, 4, 50))
    first = Scores(a, seeds=(0, 1, 2, 3), row_ids=np.arange(50))
    second = Scores(a + 0.1 * b, seeds=(0, 1, 2, 3), row_ids=np.arange(50))
    shuffled = Scores(second.values[:, order], seeds=second.seeds, row_ids=order)
    straight = pairwise_differences({"a": first, "b": second}).covariance
    assert pairwise_differences({"a": first, "b": shuffled}).covariance == pytest.approx(straight)
    assert pairwise_differences({"b": shuffled, "a": first}).covariance == pytest.approx(straight[::-1, ::-1])


def test_nested_studies_are_judged_too():
    table = {"mean": [0.90, 0.92, 0.91, 0.93], "cls": [0.70, 0.71, 0.70, 0.72]}
    by_seed = {name: dict(enumerate(values)) for name, values in table.items()}
    assert compare_with_best(pairwise_nested(by_seed)).leading == ("mean",)


def test_no_contender_and_bad_levels_are_refused():
    with pytest.raises(ValueError, match="no contender"):
        pairwise_nested({})
    with pytest.raises(ValueError, match="level"):
        compare_with_best(independent_means([1.0, 2.0], 0.1, 4), level=1.5)
