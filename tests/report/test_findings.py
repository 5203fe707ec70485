"""A comparison seen from every side its folders allow, and what is said of the sides that are missing."""

from __future__ import annotations

import pytest

from poolsweep.report.charts.style import house_style
from poolsweep.report.findings import examine
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs


@pytest.fixture
def examined(make_study):
    def examine_one(*, with_texts: bool = True, baseline: str = "cls", **options):
        [comparison] = compare_all(load_runs([make_study(**options)]), baseline=baseline)
        with house_style():
            return examine(comparison, with_texts=with_texts)

    return examine_one


def test_a_whole_study_has_every_chart(examined):
    found = examined(cut=30)
    assert [chart.name for chart in found.charts] == [
        "seeds", "pairs", "cost", "curves", "confusion", "errors", "calibration",
    ]  # fmt: skip
    assert {s.kind for s in found.slices} == {"length", "truncation", "label"}
    assert "tokens" in next(s.name for s in found.slices if s.kind == "length")
    assert set(found.calibrations) == {"cls", "pooler", "masked_mean", "max"}
    assert len(found.companions) == 3
    assert found.disagreements
    assert len(found.missing) == 1, "the texts alone: the study has no source"
    assert found.missing[0].startswith("Texts are not shown, row ids stand for them: the run's config names no source")


def test_without_curves_and_predictions_it_says_what_is_missing(examined):
    found = examined(curve=False, predictions=False)
    assert [chart.name for chart in found.charts] == ["seeds", "pairs", "cost"]
    assert any(s.startswith("No validation by epoch") for s in found.missing)
    assert any(s.startswith("Nothing is drawn of predictions") for s in found.missing)
    assert (found.slices, found.disagreements, found.companions) == ((), (), ())


def test_texts_can_be_left_out(examined):
    assert any("--no-texts" in sentence for sentence in examined(with_texts=False).missing)


def test_unrecorded_lengths_and_truncation_are_said_to_be_missing(examined):
    found = examined(truncated_share={"test": 0.1})
    assert any(s.startswith("No errors by length") for s in found.missing)
    assert any(s.startswith("No errors by truncation") for s in found.missing)


def test_one_pooling_and_no_baseline(examined):
    found = examined(poolings=["max"], baseline="cls")
    assert [chart.name for chart in found.charts] == ["seeds", "curves", "confusion", "errors", "calibration"]
    assert found.answer[0].startswith("Only max has finished runs")
