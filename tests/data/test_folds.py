"""Folds: every text is held out once, stratified, with equal texts and groups together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from datasets import Dataset
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from poolsweep.data.folds import fold_of_rows
from poolsweep.data.split_off import Splitting, split_off, split_rows
from poolsweep.data.splits import Split
from poolsweep.data.strata import kept_together
from poolsweep.errors import UserError

LABELS = ["a", "a", "b"] * 40
TEXTS = [f"text {i}" for i in range(120)]


def rows(
    texts: list[str] = TEXTS, labels: list[str] = LABELS, groups: list | None = None, name: str = "train"
) -> Split:
    columns = {"text": texts, "label": labels} | ({} if groups is None else {"group": groups})
    return Split(name, f"{name}.csv", Dataset.from_dict(columns), np.arange(len(texts)))


def held_out(split: Split, folds: int, *, found: dict[str, Split] | None = None, **options) -> list[dict[str, Split]]:
    """The splits of each fold."""
    return [
        split_rows({"train": split} | (found or {}), Splitting(0.1, 0.1, 0, folds, k), of="f.csv", **options)[0]
        for k in range(folds)
    ]


def test_every_row_is_tested_once_and_has_one_place_in_each_fold():
    folds = held_out(rows(), 5)
    assert sorted(i for fold in folds for i in fold["test"].row_ids) == list(range(120))
    for fold in folds:
        assert sorted(i for split in fold.values() for i in split.row_ids) == list(range(120))
        assert [len(fold[name]) for name in ("train", "validation", "test")] == [87, 9, 24]
        assert Counter(fold["test"].column("label").to_pylist()) == {"a": 16, "b": 8}
        assert fold["validation"].is_split_off


def test_they_are_scikit_learns_own():
    classes = np.array(LABELS, dtype=object)
    found = fold_of_rows(classes, together=np.arange(120), folds=4, seed=7)
    splitter = StratifiedKFold(4, shuffle=True, random_state=7)
    for fold, (_, test) in enumerate(splitter.split(classes, classes)):
        assert np.flatnonzero(found == fold).tolist() == test.tolist()
    groups = np.arange(120) // 5
    found = fold_of_rows(classes, together=groups, folds=4, seed=7)
    splitter = StratifiedGroupKFold(4, shuffle=True, random_state=7)
    for fold, (_, test) in enumerate(splitter.split(classes, classes, groups)):
        assert np.flatnonzero(found == fold).tolist() == test.tolist()


def test_marks_are_dealt_by_iterative_stratification():
    marks = np.random.default_rng(0).random((200, 5)) < [0.5, 0.3, 0.1, 0.05, 0.03]
    found = fold_of_rows(marks, together=np.arange(200), folds=4, seed=3)
    splitter = MultilabelStratifiedKFold(4, shuffle=True, random_state=3)
    for fold, (_, test) in enumerate(splitter.split(marks, marks)):
        assert np.flatnonzero(found == fold).tolist() == test.tolist()
    rare = np.stack([marks[found == fold].sum(axis=0) for fold in range(4)])
    assert (rare.max(axis=0) - rare.min(axis=0)).max() <= 2


def test_marks_are_carved_in_proportion_and_equal_texts_stay_together():
    marks = np.random.default_rng(0).random((200, 4)) < 0.3
    split = rows([f"t{i % 150}" for i in range(200)], ["x"] * 200)
    rest, taken = split_off(split, name="test", fraction=0.2, seed=0, strata=lambda column: marks)
    assert 30 <= len(taken) <= 50
    assert not set(rest.column("text").to_pylist()) & set(taken.column("text").to_pylist())
    shares = marks[taken.row_ids].sum(axis=0) / marks.sum(axis=0)
    assert (abs(shares - 0.2) < 0.08).all()


def test_equal_texts_stay_together():
    texts = [f"Text {i % 70}" if i % 2 else f"text   {i % 70}" for i in range(120)]
    for fold in held_out(rows(texts), 3):
        keys = {name: {t.lower().replace(" ", "") for t in fold[name].column("text").to_pylist()} for name in fold}
        assert not keys["test"] & (keys["train"] | keys["validation"])
        assert not keys["train"] & keys["validation"]


@pytest.mark.parametrize("folds", [None, 4])
def test_a_group_stays_together_and_so_do_groups_that_share_a_text(folds):
    groups = [f"author {i // 4}" for i in range(120)]
    texts = [*TEXTS[:119], TEXTS[0]]  # the last author wrote what the first did
    split = rows(texts, groups=groups)
    whole = held_out(split, 4) if folds else [split_rows({"train": split}, Splitting(0.1, 0.2, 0), of="f")[0]]
    for found in whole:
        of = {name: {groups[i] for i in part.row_ids} for name, part in found.items()}
        assert all(of.values())
        assert not of["test"] & (of["train"] | of["validation"])
        assert not of["train"] & of["validation"]
        assert sum({"author 0", "author 29"} <= one for one in of.values()) == 1
        assert all(part.rows.column_names == ["text", "label"] for part in found.values())


@pytest.mark.parametrize("fraction", [0.1, 0.25])
def test_groups_larger_than_a_labels_share_are_carved_all_the_same(fraction):
    split = rows(groups=[f"author {i // 6}" for i in range(120)])
    _, taken = split_off(split, name="validation", fraction=fraction, seed=0)
    assert len(taken) == 120 * fraction
    assert Counter(taken.column("label").to_pylist())["a"] == 80 * fraction


def test_rows_without_a_group_are_groups_of_their_own():
    split = rows(TEXTS[:6], LABELS[:6], ["x", None, "", " ", "x", None])
    together = kept_together(split)
    assert together[0] == together[4]
    assert len(set(together)) == 5


def test_without_strata_groups_are_dealt_evenly():
    found = fold_of_rows(None, together=np.arange(120) // 4, folds=3, seed=0)
    assert np.bincount(found).tolist() == [40, 40, 40]
    assert np.bincount(fold_of_rows(None, together=np.arange(120), folds=3, seed=0)).tolist() == [40, 40, 40]


def test_a_given_test_split_stays_and_the_fold_is_the_validation_split():
    given = rows(["u", "v"], ["a", "b"], name="test")
    folds = held_out(rows(), 5, found={"test": given})
    assert all(fold["test"] is given for fold in folds)
    assert sorted(i for fold in folds for i in fold["validation"].row_ids) == list(range(120))
    assert [len(fold["train"]) for fold in folds] == [96] * 5


def test_a_given_validation_split_is_that_of_every_fold():
    given = rows(["u", "v"], ["a", "b"], name="validation")
    folds = held_out(rows(), 5, found={"validation": given})
    assert all(fold["validation"] is given for fold in folds)
    assert [len(fold["train"]) for fold in folds] == [96] * 5


def test_with_both_given_there_is_nothing_to_hold_out():
    both = {name: rows(["u", "v"], ["a", "b"], name=name) for name in ("validation", "test")}
    with pytest.raises(UserError, match="nothing to hold a part of"):
        held_out(rows(), 5, found=both)


def test_no_fold_leaves_no_test_split():
    found, _ = split_rows({"train": rows()}, Splitting(0.1, 0.1, 0, 5, None), of="f.csv")
    assert {name: len(split) for name, split in found.items()} == {"train": 108, "validation": 12}


def test_more_folds_than_texts_are_refused():
    with pytest.raises(UserError, match="the number of different texts or groups, 2, got 3"):
        held_out(rows(["a"] * 5 + ["b"] * 5, ["x"] * 10), 3)


def test_a_rare_label_gives_no_warning_and_large_groups_are_told():
    labels = ["rare", *LABELS[1:]]
    assert sum(len(fold["test"]) for fold in held_out(rows(labels=labels), 3)) == 120
    lopsided = rows(groups=["big"] * 100 + [f"g{i}" for i in range(20)])
    _, notes = split_rows({"train": lopsided}, Splitting(0.1, 0.1, 0, 3, 0), of="f.csv")
    assert any(note.startswith("folds have 10 to 100 rows") for note in notes)


def test_each_row_can_be_a_fold_of_its_own():
    folds = held_out(rows(TEXTS[:12], LABELS[:12]), 12)
    assert sorted(int(fold["test"].row_ids[0]) for fold in folds) == list(range(12))


def test_another_seed_deals_otherwise():
    classes = np.array(LABELS, dtype=object)
    first, again, other = (fold_of_rows(classes, together=np.arange(120), folds=3, seed=s) for s in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
