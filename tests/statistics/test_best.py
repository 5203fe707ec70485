"""Multiple comparison with the best: a published example, edge cases, and the promise it makes."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from poolsweep.statistics import Pairwise, Scores, compare_with_best, pairwise_differences, pairwise_nested
from poolsweep.statistics.best import correlation_around


def independent_means(means, variance_of_mean, df):
    """Pairwise of a one-way analysis of variance, whose means are independent with one variance."""
    means = np.asarray(means, dtype=float)
    num, value = len(means), means[:, None] - means
    error = math.sqrt(2 * variance_of_mean) * (1 - np.eye(num))
    names = tuple(f"blend {i + 1}" for i in range(num))
    return Pairwise(names, means, value, error, np.full((num, num), df), variance_of_mean * np.eye(num), {})


def test_minitabs_paint_hardness_example():
    """Minitab Help, "Hsu simultaneous CIs" : six plates a blend, MSE 15.605; its intervals of blends 2, 3 end at 0."""
    verdict = compare_with_best(independent_means([14.7333, 8.5667, 12.9833, 18.0667], 15.605 / 6, 20))
    assert verdict.leading == ("blend 4", "blend 1")


def test_two_contenders_are_a_one_sided_t_test():
    pair = independent_means([1.0, 0.0], 0.1, 9)
    verdict = compare_with_best(pair)
    worse = verdict.comparisons[1]
    assert worse.p_value == pytest.approx(stats.t.sf(1 / math.sqrt(0.2), 9))
    assert worse.could_be_best == (stats.t.ppf(0.95, 9) * math.sqrt(0.2) > 1)


def test_the_set_is_what_the_p_values_say():
    generator = np.random.default_rng(0)
    for _ in range(10):
        study = independent_means(generator.normal(0, 1, 5), 0.15, 6)
        found = compare_with_best(study).comparisons
        assert len(found) == 5
        for item in found:
            assert item.could_be_best == (item.p_value > 0.05) or item.p_value == pytest.approx(0.05, abs=1e-3)


def test_a_sole_winner():
    verdict = compare_with_best(independent_means([9.0, 1.0, 0.5], 0.01, 20))
    assert verdict.leading == ("blend 1",)
    assert all(item.p_value < 0.001 for item in verdict.comparisons[1:])


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
    assert verdict.comparisons[0].p_value == 1


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
