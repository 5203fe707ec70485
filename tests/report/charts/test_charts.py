"""Each kind of figure shows the numbers it is about."""

from __future__ import annotations

import json

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from studies import PRESETS, write_run

from poolsweep.report.charts.across import across_data_sets, ranks_chart
from poolsweep.report.charts.calibration import calibration, calibration_chart
from poolsweep.report.charts.confusion import confusion_chart
from poolsweep.report.charts.cost import cost_chart, costs
from poolsweep.report.charts.curves import curves_chart
from poolsweep.report.charts.drawing import draw
from poolsweep.report.charts.errors import Slice, errors_chart, slices
from poolsweep.report.charts.heat_maps import HalvesGrid, halves_chart
from poolsweep.report.charts.pairs import pairs_chart
from poolsweep.report.charts.seeds import seeds_chart
from poolsweep.report.charts.style import BASE, LEAD, house_style
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.metric import shown, signed
from poolsweep.report.results import load_runs


@pytest.fixture(autouse=True)
def style():
    with house_style():
        yield


@pytest.fixture
def comparison(make_study):
    return compare_all(load_runs([make_study()]))[0]


def texts_of(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_seeds_has_a_mark_per_run_and_a_bar_per_interval(comparison):
    chart = seeds_chart(comparison)
    [axes] = chart.figure.axes
    dots = [c for c in axes.collections if isinstance(c, PathCollection)]
    marks = {(round(x, 6), round(y)) for c in dots for x, y in np.asarray(c.get_offsets()).tolist()}
    wanted = {(round(100 * value, 6), place) for place, name in enumerate(comparison.names)
              for value in comparison.values[name].values()}  # fmt: skip
    assert marks == wanted
    assert [text.get_text() for text in chart.figure.legends[0].get_texts()][-3:] == ["seed 0", "seed 1", "seed 2"]
    bars, means = (c for c in axes.collections if isinstance(c, LineCollection))
    assert [tuple(bar[:, 0]) for bar in bars.get_segments()] == [
        pytest.approx((100 * comparison.summaries[n].low, 100 * comparison.summaries[n].high)) for n in comparison.names
    ]
    assert [bar[:, 0].tolist() for bar in means.get_segments()] == [
        pytest.approx([100 * comparison.summaries[n].mean] * 2) for n in comparison.names
    ]
    assert all(shown(comparison.summaries[n].mean, comparison.metric) in chart.summary for n in comparison.names)


def test_seeds_of_one_score_stand_apart_and_the_file_says_what_its_marks_mean(make_study):
    study = make_study(poolings=["cls", "max"], predictions=False)
    for path in study.glob("*/result.json"):
        facts = json.loads(path.read_text())
        facts["metrics"]["test/accuracy"] = 0.5
        path.write_text(json.dumps(facts))
    [one] = compare_all(load_runs([study]))
    chart = seeds_chart(one)
    [axes] = chart.figure.axes
    marks = {tuple(place) for found in axes.collections[-3:] for place in found.get_offsets().tolist()}
    assert len(marks) == 2 * 3, "none hides another"
    drawn = draw(chart.figure).svg
    assert all(text in drawn for text in ("baseline cls", "seed 0", "seed 2"))


def test_many_seeds_are_dots(make_study):
    [comparison] = compare_all(load_runs([make_study(poolings=["cls", "max"], seeds=range(9))]))
    [legend] = seeds_chart(comparison).figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert "baseline cls" in texts
    assert not [text for text in texts if "seed" in text]


def test_pairs_are_antisymmetric_outlined_as_one_family_and_written_as_in_tables(comparison):
    chart = pairs_chart(comparison)
    assert chart is not None
    pairwise = comparison.pairwise
    wanted = comparison.family.p_value[np.triu_indices(4, 1)]
    [axes] = chart.figure.axes
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written[1, 0 - 0.12] == signed(pairwise.value[0, 1], "accuracy")
    assert written[0, 1 - 0.12] == signed(-pairwise.value[0, 1], "accuracy")
    held = int((wanted < 0.05).sum())
    assert chart.summary == f"{held} of 6 differences are significant."
    assert len(axes.collections[1].get_paths()) == 2 * held


def test_pairs_of_one_are_none(make_study):
    assert pairs_chart(compare_all(load_runs([make_study(poolings=["cls"])]))[0]) is None


def test_cost_has_a_panel_per_kind_with_the_front_filled(comparison):
    found = costs(comparison)
    chart = cost_chart(comparison, found)
    assert chart is not None
    assert len(chart.figure.axes) == len(found)
    for axes, cost in zip(chart.figure.axes, found, strict=True):
        bars, marks = axes.collections
        assert np.asarray(marks.get_offsets())[:, 0].tolist() == list(cost.values.values())
        shown = {name for name, colour in zip(cost.values, marks.get_facecolor(), strict=True) if colour[3] > 0}
        assert shown == set(cost.front)
        ends = [tuple(path.vertices[:, 1]) for path in bars.get_paths()]
        wanted = [comparison.summaries[name] for name in cost.values]
        assert ends == [pytest.approx((100 * one.low, 100 * one.high)) for one in wanted]
        assert set(cost.front) <= set(texts_of(axes))
    assert cost_chart(comparison, []) is None


def test_curves_are_means_over_seeds_by_epoch(comparison):
    chart = curves_chart(comparison)
    assert chart is not None
    panels = [axes for axes in chart.figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in panels] == list(comparison.names)
    line = panels[0].lines[-1]
    mean = comparison.summaries[comparison.names[0]].mean
    assert list(line.get_xdata()) == [1, 2, 3, 4]
    assert line.get_ydata() == pytest.approx([100 * (mean - 0.1 / (1 + i)) for i in range(4)])


def test_curves_leave_out_the_validation_after_training(outputs):
    folder = write_run(outputs / "s", pooling="cls", seed=0)
    with (folder / "metrics.csv").open("a") as file:
        file.write("39,4,,0.99,0.99\n")
    chart = curves_chart(compare_all(load_runs([outputs / "s"]))[0])
    assert chart is not None
    assert list(chart.figure.axes[0].lines[-1].get_xdata()) == [1, 2, 3, 4]


def test_more_curves_than_panels_keeps_the_baseline(make_study):
    chart = curves_chart(compare_all(load_runs([make_study(poolings=PRESETS, seeds=[0], num_texts=40)]))[0])
    assert chart is not None
    titles = [axes.get_title(loc="left") for axes in chart.figure.axes if axes.get_visible()]
    assert len(titles) == 15
    assert "cls" in titles
    assert "The 14 best and the baseline have panels." in chart.caption


def test_confusion_is_in_shares_of_each_true_label():
    counts = np.array([[8, 2], [1, 4]])
    chart = confusion_chart({"max": counts, "cls": counts.T}, ["no", "yes"])
    left, right = chart.figure.axes
    assert texts_of(left) == ["80", "20", "20", "80"]
    assert texts_of(right) == ["89", "11", "33", "67"]
    assert chart.title == "Confusion: the best and the baseline"
    assert "max: 80.00% right" in chart.summary


def test_confusion_of_many_labels_folds_the_easy_ones():
    counts = np.diag(np.arange(30) + 50) + np.triu(np.ones((30, 30), int), 20)
    chart = confusion_chart({"max": counts}, [f"label {i}" for i in range(30)])
    [axes] = chart.figure.axes
    assert len(axes.get_xticklabels()) == 24
    assert axes.get_xticklabels()[-1].get_text() == "others"
    assert "The 23 labels with the most errors" in chart.caption


def test_errors_have_a_dot_for_each_of_two_in_every_slice(comparison):
    cut = slices(comparison, "max", "cls", lengths=None, unit="")
    chart = errors_chart(cut, "max", "cls")
    assert chart is not None
    [axes] = chart.figure.axes
    marks = [c for c in axes.collections if isinstance(c, PathCollection)]
    dots = sorted(x for c in marks for x in np.asarray(c.get_offsets())[:, 0].tolist())
    assert dots == pytest.approx(sorted(100 * v for s in cut for v in (s.first, s.second)))
    assert errors_chart([], "max", None) is None
    many = [Slice("label", f"l{i}", 100 - i, 0.5, np.nan, np.nan, np.nan) for i in range(25)]
    chart = errors_chart(many, "max", None)
    assert chart is not None
    assert len(chart.figure.axes[0].get_yticklabels()) == 20
    assert "the table has all 25" in chart.caption


def test_calibration_is_on_the_diagonal_where_it_is_perfect(comparison):
    found = {name: calibration(comparison.contender(name)) for name in ("max", "cls")}
    chart = calibration_chart(found, {"max": LEAD, "cls": BASE})
    above = chart.figure.axes[:2]
    for axes, one in zip(above, found.values(), strict=True):
        filled = one.count > 0
        assert axes.lines[1].get_ydata() == pytest.approx(one.accuracy[filled])
        assert f"ECE {one.error:.3f}" in axes.get_title(loc="left")


def test_halves_write_every_cell_and_outline_the_leaders(comparison):
    first, second = comparison.names[:2]
    values = np.array([[0.5, np.nan], [0.6, 0.7]])
    grid = HalvesGrid(("last", "mix"), ("cls", "mean"), ((first, ""), (second, "nobody")), values)
    chart = halves_chart(comparison, grid)
    [axes] = chart.figure.axes
    assert texts_of(axes) == ["50.00", "60.00", "70.00"]
    assert len(axes.collections[1].get_paths()) == sum(name in comparison.leading for name in (first, second))
    assert chart.summary == "Best mean: mix with mean, 70.00."


def test_ranks_stand_at_their_place(make_study):
    [across] = across_data_sets(compare_all(load_runs([make_study(data=("animals", "birds", "stones"), seeds=[0])])))
    chart = ranks_chart(across)
    [axes] = chart.figure.axes
    stems = {float(line.get_xdata()[0]) for line in axes.lines if len(line.get_xdata()) == 3}
    assert stems == {float(rank) for rank in across.ranking.mean_ranks}
    assert f"{across.ranking.critical_difference:.2f} (Nemenyi, 95%)" in chart.caption
