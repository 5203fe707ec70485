"""Differences over several splits, against the designs they contain and against worlds where the truth is known."""

import math
from dataclasses import astuple

import numpy as np
import pytest
from scipy import stats

from poolsweep.statistics import (
    Resampling,
    Scores,
    compare_with_best,
    difference,
    difference_over_splits,
    mean_over_splits,
    mean_score,
    nested_difference,
    pairwise_differences,
    pairwise_splits,
    seeds_to_settle,
    simultaneous,
)

NOTHING_SHARED = Resampling(train_rows=500, pool_rows=500, folds=2)
FIVE = Resampling(train_rows=800, pool_rows=1000, folds=5)


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def scored(values, *, rows=None, first_seed=0, deterministic=False):
    seeds = tuple(range(first_seed, first_seed + len(values)))
    rows = range(len(values[0])) if rows is None else rows
    return Scores(values, seeds=seeds, row_ids=rows, deterministic=deterministic)


def folds(table, k=5, **options):
    """The columns of a table of seeds by texts, dealt to k folds."""
    rows = np.arange(table.shape[1])
    return {fold: scored(table[:, fold::k], rows=rows[fold::k], **options) for fold in range(k)}


def test_one_split_is_the_crossed_design(generator):
    a, b = scored(generator.normal(size=(4, 30))), scored(generator.normal(size=(4, 30)))
    assert difference_over_splits({"x": a}, {"x": b, "y": a}, FIVE) == difference(a, b)
    assert mean_over_splits({"x": a}, FIVE) == mean_score(a)
    several, plain = pairwise_splits({"a": {0: a}, "b": {0: b}}, FIVE), pairwise_differences({"a": a, "b": b})
    assert several.differences == plain.differences
    np.testing.assert_array_equal(several.covariance, plain.covariance)


@pytest.mark.parametrize("luck", [0.0, 0.5])
def test_training_sets_of_their_own_on_one_test_file_are_the_crossed_design(generator, luck):
    """Two folds share no training row: each is a replicate like any other."""
    noise = [luck * generator.normal(size=(6, 1)) + generator.normal(size=(1, 40)) + generator.normal(size=(6, 40))
             for _ in range(2)]  # fmt: skip
    several = [{split: scored(table[[split]]) for split in range(6)} for table in noise]
    result = difference_over_splits(*several, NOTHING_SHARED)
    crossed = difference(*map(scored, noise))
    assert astuple(result.estimate) == pytest.approx(astuple(crossed.estimate), rel=0.02)
    assert result.covers == ("seeds", "texts", "splits")


def test_each_text_is_counted_once_in_k_fold(generator):
    table = generator.normal(size=(1, 1000))
    result = mean_over_splits(folds(table, deterministic=True), FIVE)
    assert result.estimate.value == pytest.approx(table.mean())
    assert (result.num_examples, result.num_splits, result.design) == (1000, 5, "deterministic splits")
    assert result.covers == ("texts", "splits")
    within = np.mean([table[0, fold::5].var(ddof=1) for fold in range(5)]) / 1000
    spread = np.var([table[0, fold::5].mean() for fold in range(5)], ddof=1)
    between = max(spread - 5 * within, 0)
    assert result.estimate.standard_error**2 == pytest.approx(
        (1 + 1 / 4) * within + (1 / 5 + 1 / 4) * between, rel=0.01
    )
    alone = stats.t.ppf(0.995, 4) * math.sqrt(spread / 5)  # the 99% interval over splits alone
    assert stats.t.ppf(0.995, result.estimate.df) * result.estimate.standard_error >= alone * 0.999
    assert 4 < result.estimate.df < 999


def test_where_texts_have_no_noise_it_is_nadeau_and_bengios_test(generator):
    lucks = generator.normal(size=5)
    first = {fold: scored(np.full((1, 200), luck), rows=range(200 * fold, 200 * fold + 200))
             for fold, luck in enumerate(lucks)}  # fmt: skip
    second = {fold: scored(np.zeros((1, 200)), rows=one.row_ids) for fold, one in first.items()}
    found = difference_over_splits(first, second, FIVE)
    peer = nested_difference(dict(enumerate(lucks)), dict.fromkeys(range(5), 0.0), test_to_train=0.25)
    assert astuple(found.estimate) == pytest.approx(astuple(peer.estimate))
    # and of independent training sets, one test file: the t test over splits
    same = [{fold: scored(one.values) for fold, one in splits.items()} for splits in (first, second)]
    expected = stats.ttest_1samp(lucks, 0)
    assert difference_over_splits(*same, NOTHING_SHARED).estimate.p_value == pytest.approx(expected.pvalue)


def test_seeds_within_a_split_shrink_their_own_noise_alone(generator):
    """Seeds of 1, splits of 0: what is between splits is the seeds', and is divided by all of them."""
    luck = generator.normal(size=(200, 4, 1))
    splits = {split: scored(np.broadcast_to(table, (4, 50))) for split, table in enumerate(luck)}
    result = mean_over_splits(splits, FIVE)
    assert result.components.seed == pytest.approx(np.mean(luck.var(axis=1, ddof=1)))
    assert result.components.split < 0.05
    assert result.estimate.standard_error**2 >= result.components.seed / 800


def test_seeds_that_are_not_paired_count_for_both(generator):
    first = {split: scored(generator.normal(size=(3, 1)) + generator.normal(size=(1, 40))) for split in range(4)}
    second = {split: scored(one.values - 1, first_seed=10) for split, one in first.items()}
    paired = {split: scored(one.values - 1) for split, one in first.items()}
    apart, together = (difference_over_splits(first, other, FIVE) for other in (second, paired))
    assert apart.estimate.value == pytest.approx(together.estimate.value) == pytest.approx(1)
    assert apart.components.seed > 0 == together.components.seed
    assert apart.num_seeds == 3


def test_a_split_with_one_seed_borrows_the_noise_of_the_others(generator):
    full = {split: scored(generator.normal(size=(4, 1)) + generator.normal(size=(1, 60))) for split in range(5)}
    ragged = full | {4: scored(full[4].values[:1])}
    one, other = (mean_over_splits(splits, FIVE) for splits in (full, ragged))
    assert other.num_seeds == 1 < one.num_seeds
    assert other.components.seed > 0


def test_order_of_rows_and_sign(generator):
    first, second = folds(generator.normal(size=(2, 100))), folds(generator.normal(size=(2, 100)))
    shuffled = {}
    for fold, one in second.items():
        order = generator.permutation(20)
        shuffled[fold] = Scores(one.values[:, order], seeds=one.seeds, row_ids=one.row_ids[order])
    there, back = difference_over_splits(first, shuffled, FIVE), difference_over_splits(second, first, FIVE)
    assert there.estimate.value == pytest.approx(-back.estimate.value)
    assert there.estimate.low == pytest.approx(-back.estimate.high)


def test_overlapping_test_rows_count_a_text_once(generator):
    """A text that sits in every test set is one draw, however often it is tested."""
    text = generator.normal(size=400)
    same = {split: scored(text[None, :], deterministic=True) for split in range(10)}
    assert mean_over_splits(same, FIVE).estimate.standard_error == pytest.approx(text.std(ddof=1) / 20)
    half = {split: scored(text[None, chosen], rows=chosen, deterministic=True) for split, chosen in
            enumerate(np.sort(generator.permutation(400)[:200]) for _ in range(10))}  # fmt: skip
    whole = text.std() / 20 * math.sqrt(1 + 1)  # 200 test rows over the 200 others
    assert whole < mean_over_splits(half, Resampling(200, 400)).estimate.standard_error < 1.35 * whole


def test_all_pairs_make_one_family(generator):
    tables = {name: folds(shift + generator.normal(size=(2, 500))) for name, shift in (("a", 0), ("b", 0), ("c", -2))}
    pairwise = pairwise_splits(tables, FIVE)
    assert pairwise.means == pytest.approx([np.mean([s.mean for s in t.values()]) for t in tables.values()])
    assert set(simultaneous(pairwise).leading()) == set(compare_with_best(pairwise).leading) == {"a", "b"}
    differences = pairwise.differences["a", "b"]
    assert differences == difference_over_splits(tables["a"], tables["b"], FIVE)
    spread = pairwise.covariance
    gap = spread[0, 0] + spread[1, 1] - 2 * spread[0, 1]
    assert gap == pytest.approx(differences.estimate.standard_error**2, rel=0.5)
    assert seeds_to_settle(differences).obstacle.startswith("Over several splits")


def test_what_says_nothing(generator):
    single = {split: scored([[1.0]], rows=[split]) for split in range(3)}
    result = mean_over_splits(single, Resampling(2, 3, folds=3))
    assert (result.design, result.covers) == ("unknown", ())
    assert math.isnan(result.estimate.low)
    equal = folds(generator.normal(size=(2, 100)))
    assert math.isnan(difference_over_splits(equal, equal, FIVE).estimate.low)
    pairwise = pairwise_splits({"a": equal, "b": equal}, FIVE)
    assert simultaneous(pairwise).leading() == ("a", "b")


def test_bad_input_is_refused(generator):
    one = folds(generator.normal(size=(2, 100)))
    with pytest.raises(ValueError, match="share no split"):
        difference_over_splits({0: one[0]}, {1: one[1]}, FIVE)
    with pytest.raises(ValueError, match="different rows"):
        difference_over_splits(one, {fold: one[(fold + 1) % 5] for fold in one}, FIVE)
    with pytest.raises(ValueError, match="no contender"):
        pairwise_splits({}, FIVE)
    with pytest.raises(ValueError, match="train_rows must lie between 1 and 10, got 11"):
        Resampling(11, 10)
    with pytest.raises(ValueError, match="folds must be at least 2, got 1"):
        Resampling(5, 10, folds=1)


@pytest.mark.parametrize(("same_file", "seeds"), [(False, 1), (False, 3), (True, 1), (True, 3)])
def test_equal_contenders_are_seldom_told_apart(generator, same_file, seeds):
    """Two folds' training sets share luck by f², f = 3/4."""
    told = []
    for _ in range(400):
        contenders = []
        for _ in range(2):
            text, shared = generator.normal(size=200), generator.normal()
            luck = 0.05 * (0.75 * shared + math.sqrt(1 - 0.75**2) * generator.normal(size=5))
            table = text + luck[:, None] + generator.normal(size=(seeds, 5, 200))
            rows = [np.arange(200) if same_file else np.arange(split, 200, 5) for split in range(5)]
            contenders.append({split: scored(table[:, split, one], rows=one) for split, one in enumerate(rows)})
        told.append(difference_over_splits(*contenders, FIVE).estimate.significant)
    assert np.mean(told) < 0.08
