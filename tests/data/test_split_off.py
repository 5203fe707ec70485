"""Splitting off: stratified, seeded, equal texts together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from datasets import Dataset

from poolsweep.data.split_off import split_off, stratified_groups
from poolsweep.data.splits import Split


def split_of(texts: list[str], labels: list[str]) -> Split:
    return Split("train", "file.csv", Dataset.from_dict({"text": texts, "label": labels}), np.arange(len(texts)))


def test_takes_the_share_of_every_label():
    labels = ["a"] * 100 + ["b"] * 50 + ["c"] * 10
    rest, taken = split_off(split_of([f"t{i}" for i in range(160)], labels), name="test", fraction=0.1, seed=0)
    assert Counter(taken.column("label").to_pylist()) == {"a": 10, "b": 5, "c": 1}
    assert (len(rest), len(taken), rest.name, taken.name) == (144, 16, "train", "test")


def test_row_ids_stay_those_of_the_file_and_every_row_is_in_one_part():
    split = split_of([f"t{i}" for i in range(40)], ["a", "b"] * 20)
    rest, taken = split_off(split, name="validation", fraction=0.25, seed=3)
    assert sorted([*rest.row_ids, *taken.row_ids]) == list(range(40))
    for part in (rest, taken):
        assert part.column("text").to_pylist() == [f"t{i}" for i in part.row_ids]
    assert taken.origin == "file.csv (validation split off)"
    assert rest.origin == "file.csv"


def test_equal_texts_go_together():
    texts = [f"t{i % 30}" for i in range(120)]
    rest, taken = split_off(split_of(texts, ["a", "b"] * 60), name="test", fraction=0.2, seed=0)
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


def naive(labels: list, groups: list, *, fraction: float, seed: int) -> np.ndarray:
    """The same choice with dictionaries, row by row."""
    members: dict = {}
    label_of: dict = {}
    for row, (label, group) in enumerate(zip(labels, groups, strict=True)):
        members.setdefault(label_of.setdefault(group, label), {}).setdefault(group, []).append(row)
    chosen = np.zeros(len(labels), dtype=bool)
    random = np.random.default_rng(seed)
    for label in sorted(members):
        by_group = list(members[label].values())
        wanted = round(fraction * sum(map(len, by_group)))
        for i in random.permutation(len(by_group)):
            if wanted > 0 and len(by_group[i]) <= wanted:
                chosen[by_group[i]] = True
                wanted -= len(by_group[i])
    return chosen


def test_agrees_with_a_naive_loop():
    random = np.random.default_rng(1)
    labels = [str(label) for label in random.integers(8, 12, size=400)]
    groups = [f"t{group}" for group in random.integers(150, size=400)]
    for seed in range(3):
        expected = naive(labels, groups, fraction=0.2, seed=seed)
        assert (stratified_groups(labels, groups=groups, fraction=0.2, seed=seed) == expected).all()
        _, taken = split_off(split_of(groups, labels), name="test", fraction=0.2, seed=seed)
        assert taken.row_ids.tolist() == np.flatnonzero(expected).tolist()
