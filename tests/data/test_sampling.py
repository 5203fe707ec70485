"""Samples of the training rows: nested, in proportion, by their seed."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from datasets import Dataset

from poolsweep.data.sampling import RowsAsked, sampled
from poolsweep.data.splits import Split, Splits
from poolsweep.errors import UserError

LABELS = ["a"] * 600 + ["b"] * 300 + ["c"] * 97 + ["d"] * 3


def part(name: str, labels: list[str]) -> Split:
    texts = [f"{name} {i}" for i in range(len(labels))]
    return Split(name, f"{name}.csv", Dataset.from_dict({"text": texts, "label": labels}), np.arange(len(labels)))


@pytest.fixture
def splits() -> Splits:
    labels = [LABELS[i] for i in np.random.default_rng(0).permutation(1000)]
    return Splits(part("train", labels), part("validation", ["a", "b"]), part("test", ["a", "b"]))


def ids(splits: Splits, asked: RowsAsked, *, seed: int = 0, **options) -> list[int]:
    return sampled(splits, asked, seed=seed, **options).train.row_ids.tolist()


@pytest.mark.parametrize(
    "sizes", [[RowsAsked(n) for n in (4, 10, 100, 101, 999)], [RowsAsked(rows_per_label=k) for k in (1, 2, 8, 64, 500)]]
)
def test_a_smaller_sample_is_a_part_of_a_larger_one(splits, sizes):
    found = [set(ids(splits, asked)) for asked in sizes]
    assert all(small < large for small, large in pairwise(found))


def test_a_sample_has_each_labels_share_and_at_least_one_of_each(splits):
    for count in (50, 100, 500):
        found = Counter(sampled(splits, RowsAsked(count), seed=1).train.column("label").to_pylist())
        assert sum(found.values()) == count
        expected = {"a": 0.6 * count, "b": 0.3 * count, "c": 0.097 * count}
        assert all(abs(found[label] - number) <= 2 for label, number in expected.items())
        assert found["d"] >= 1
    smallest = sampled(splits, RowsAsked(4), seed=1).train.column("label").to_pylist()
    assert sorted(smallest) == ["a", "b", "c", "d"]


def test_rows_of_each_label_or_all_that_it_has(splits):
    found = sampled(splits, RowsAsked(rows_per_label=8), seed=0)
    assert Counter(found.train.column("label").to_pylist()) == {"a": 8, "b": 8, "c": 8, "d": 3}
    assert found.notes == ("data.rows_per_label=8: 1 label has fewer rows, all of which are taken",)


def test_the_order_of_the_file_is_kept_and_nothing_else_changes(splits):
    found = sampled(splits, RowsAsked(100), seed=0)
    assert (np.diff(found.train.row_ids) > 0).all()
    assert found.train.column("text").to_pylist() == [f"train {i}" for i in found.train.row_ids]
    assert found.validation is splits.validation
    assert found.test is splits.test
    assert (found.fingerprint, found.content_id) == (splits.fingerprint, splits.content_id)
    assert sampled(splits, RowsAsked(), seed=0) is splits


def test_it_follows_its_seed(splits):
    assert ids(splits, RowsAsked(100)) == ids(splits, RowsAsked(100))
    assert ids(splits, RowsAsked(100)) != ids(splits, RowsAsked(100), seed=1)


def test_every_row_is_as_likely_as_another_of_its_label(splits):
    """Of 200 samples of a tenth, a row is in 20 on average, whatever its place in the file."""
    rows = [ids(splits, RowsAsked(100), seed=seed) for seed in range(200)]
    counts = np.bincount(np.concatenate(rows), minlength=1000)
    frequent = np.array(splits.train.column("label").to_pylist()) != "d"
    assert abs(counts[frequent].mean() - 20) < 0.5
    assert abs(counts[:500][frequent[:500]].mean() - counts[500:][frequent[500:]].mean()) < 1
    assert 3.5 < counts[frequent].std() < 5, "binomial: 4.2"


def test_marks_have_their_share_and_a_row_without_any_counts_too(splits):
    random = np.random.default_rng(3)
    marks = random.random((1000, 4)) < [0.5, 0.2, 0.05, 0.004]

    def strata(column):
        return marks

    found = ids(splits, RowsAsked(100), strata=strata)
    assert (abs(marks[found].sum(axis=0) - marks.sum(axis=0) / 10)[:3] <= 4).all()
    assert marks[found].any(axis=0).all()
    few = ids(splits, RowsAsked(rows_per_label=3), strata=strata)
    assert (marks[few].sum(axis=0) >= np.minimum(3, marks.sum(axis=0))).all()
    assert (~marks[few].any(axis=1)).sum() == 3
    assert len(few) <= 15


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (RowsAsked(1000), "data.train_rows must be below the 1000 training rows, got 1000; null means all of them"),
        (RowsAsked(1001), "data.train_rows must be below the 1000 training rows, got 1001; null means all of them"),
        (RowsAsked(3), "data.train_rows must be at least 4, so that each label has a row, got 3"),
        (RowsAsked(rows_per_label=600), "data.rows_per_label=600 is all 1000 training rows; null means that"),
    ],
)
def test_what_cannot_be_is_refused(splits, asked, said):
    with pytest.raises(UserError) as error:
        sampled(splits, asked, seed=0)
    assert error.value.problems == (said,)
