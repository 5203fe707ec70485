"""Confusion, slices and disagreements, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from poolsweep.report.charts.confusion import confusion
from poolsweep.report.charts.errors import slices
from poolsweep.report.comparison import right_or_wrong
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs
from poolsweep.report.texts import disagreements
from poolsweep.statistics import difference


@pytest.fixture
def comparison(make_study):
    return compare_all(load_runs([make_study()]))[0]


def test_confusion_is_scikit_learns_summed_over_seeds(comparison):
    predictions = list(comparison.predictions["max"].values())
    wanted = sum(confusion_matrix(p.targets, p.predicted, labels=range(3)) for p in predictions)
    assert np.array_equal(confusion(predictions), wanted)
    assert confusion(predictions).sum() == 600


def test_slices_are_means_over_the_rows_of_each(comparison):
    lengths = np.arange(200) % 10
    found = slices(comparison, "max", "cls", lengths=lengths, unit="words")
    assert [s.kind for s in found] == ["length"] * 5 + ["label"] * 3
    assert found[0].name == "0 to 1 words"
    scores = right_or_wrong(comparison)
    rows = lengths <= 1
    assert found[0].count == rows.sum() == 40
    assert found[0].first == pytest.approx(scores["max"].values[:, rows].mean())
    assert found[0].second == pytest.approx(scores["cls"].values[:, rows].mean())
    assert found[0].low < found[0].first - found[0].second < found[0].high
    assert sum(s.count for s in found if s.kind == "label") == 200
    whole = slices(comparison, "max", "cls", lengths=np.ones(200, int), unit="words")[0]
    estimate = difference(scores["max"], scores["cls"]).estimate
    assert (whole.name, whole.low, whole.high) == ("1 words", pytest.approx(estimate.low), pytest.approx(estimate.high))


def test_truncation_is_a_slice_where_some_texts_were_cut(make_study):
    study = make_study(cut=30)
    [comparison] = compare_all(load_runs([study]))
    found = {s.name: s for s in slices(comparison, "max", "cls", lengths=None, unit="") if s.kind == "truncation"}
    assert {name: s.count for name, s in found.items()} == {"cut to the maximum length": 30, "read whole": 170}
    values = right_or_wrong(comparison)["max"].values
    assert found["cut to the maximum length"].first == pytest.approx(values[:, :30].mean())


def test_without_a_second_contender_only_the_first_counts(comparison):
    found = slices(comparison, "max", None, lengths=None, unit="")
    assert [np.isnan([s.second, s.low, s.high]).all() for s in found] == [True] * 3, "a slice per label"
    assert slices(comparison, "nobody", None, lengths=None, unit="") == []


def test_disagreements_are_where_poolings_differ_most(comparison):
    texts = tuple(f"text {i}" for i in range(200))
    found = disagreements(comparison, texts, most=10)
    rates = np.stack([s.values.mean(axis=0) for s in right_or_wrong(comparison).values()])
    spread = rates.std(axis=0)
    assert len(found) == 10
    assert [spread[d.row_id] for d in found] == sorted(spread, reverse=True)[:10]
    first = found[0]
    assert first.text == f"text {first.row_id}"
    assert first.right == pytest.approx(rates[:, first.row_id].mean())
    assert sorted(name for names in first.said.values() for name in names) == sorted(comparison.names)
    for one in found:
        if one.label in one.said:
            assert next(iter(one.said)) == one.label


def test_texts_that_cannot_be_had_are_none_and_one_pooling_disagrees_with_nobody(comparison, make_study):
    assert {d.text for d in disagreements(comparison, None)} == {None}
    [alone] = compare_all(load_runs([make_study("alone", poolings=["cls"])]))
    assert disagreements(alone, None) == []
