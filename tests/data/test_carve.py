"""Carving: stratified, seeded, equal texts together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from datasets import Dataset

from poolsweep.data.carve import carve, stratified_groups
from poolsweep.data.splits import Split


def split_of(texts: list[str], labels: list[str]) -> Split:
    return Split("train", "file.csv", Dataset.from_dict({"text": texts, "label": labels}), np.arange(len(texts)))


def test_takes_the_share_of_every_label():
    labels = ["a"] * 100 + ["b"] * 50 + ["c"] * 10
    rest, taken = carve(split_of([f"t{i}" for i in range(160)], labels), name="test", fraction=0.1, seed=0)
    assert Counter(taken.column("label").to_pylist()) == {"a": 10, "b": 5, "c": 1}
    assert (len(rest), len(taken), rest.name, taken.name) == (144, 16, "train", "test")


def test_row_ids_stay_those_of_the_file_and_every_row_is_in_one_part():
    split = split_of([f"t{i}" for i in range(40)], ["a", "b"] * 20)
    rest, taken = carve(split, name="validation", fraction=0.25, seed=3)
    assert sorted([*rest.row_ids, *taken.row_ids]) == list(range(40))
    for part in (rest, taken):
        assert part.column("text").to_pylist() == [f"t{i}" for i in part.row_ids]
    assert taken.origin == "file.csv (validation carved out)"
    assert rest.origin == "file.csv"


def test_equal_texts_go_together():
    texts = [f"t{i % 30}" for i in range(120)]
    rest, taken = carve(split_of(texts, ["a", "b"] * 60), name="test", fraction=0.2, seed=0)
    assert 0 < len(taken) <= 24
    assert not set(rest.column("text").to_pylist()) & set(taken.column("text").to_pylist())


def test_a_group_larger_than_the_share_is_not_taken():
    taken = stratified_groups(["a"] * 20, groups=["big"] * 15 + list(range(5)), fraction=0.2, seed=0)
    assert not taken[:15].any()
    assert taken.sum() == 4


@pytest.mark.parametrize("seed", range(3))
def test_is_a_function_of_the_seed(seed: int):
    labels, groups = ["a"] * 50 + ["b"] * 50, list(range(100))
    first = stratified_groups(labels, groups=groups, fraction=0.2, seed=seed)
    assert (first == stratified_groups(labels, groups=groups, fraction=0.2, seed=seed)).all()
    assert (first != stratified_groups(labels, groups=groups, fraction=0.2, seed=seed + 1)).any()
