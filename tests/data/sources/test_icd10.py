"""The embedded data set."""

from __future__ import annotations

from collections import Counter

import pytest

from poolsweep.data.checks import check
from poolsweep.data.sources import icd10 as source
from poolsweep.data.sources.icd10 import Icd10
from poolsweep.errors import UserError
from poolsweep.tasks import Classification


def test_counts_labels_and_split():
    found = Icd10(split_seed=0).read()
    assert sum(len(split) for split in found) == 12_009
    assert len(check(found, Classification())) == 21
    assert check(found, Classification()).names == tuple(str(i) for i in range(1, 22))
    sizes = [len(split) / 12_009 for split in found]
    assert sizes == pytest.approx([0.8, 0.1, 0.1], abs=0.005)
    train = Counter(found.train.column("label").to_pylist())
    test = Counter(found.test.column("label").to_pylist())
    for label, count in train.items():
        assert test[label] / count == pytest.approx(1 / 8, abs=0.03), label


def test_categories_never_straddle_splits():
    codes = source._table("any").column("code").to_pylist()
    assert len(set(codes)) == 12_009
    categories = [{codes[i][:3] for i in split.row_ids} for split in Icd10(split_seed=0).read()]
    assert not categories[0] & categories[1]
    assert not categories[0] & categories[2]
    assert not categories[1] & categories[2]


def test_the_split_has_its_own_seed():
    assert (Icd10(split_seed=0).read().test.row_ids == Icd10(split_seed=0).read().test.row_ids).all()
    assert set(Icd10(split_seed=1).read().test.row_ids) != set(Icd10(split_seed=0).read().test.row_ids)


def test_says_what_to_install_when_the_package_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'poolsweep\[demo\]'"):
        Icd10(split_seed=0).read()
