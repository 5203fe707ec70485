"""How every figure looks."""

from __future__ import annotations

import matplotlib
import pytest
from matplotlib.figure import Figure
from studies import write_run

from poolsweep.report.charts.style import BASE, LEAD, REST, Cells, house_style, role_colour
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs


def test_the_users_own_style_is_left_alone():
    before = dict(matplotlib.rcParams)
    with house_style():
        assert matplotlib.rcParams["svg.fonttype"] == "none"
    assert dict(matplotlib.rcParams) == before


def test_colour_tells_the_role(make_study):
    study = make_study(poolings=["cls", "max"], num_texts=400)
    for seed in range(3):
        write_run(study, pooling="elmo", seed=seed, skill=0.95, num_texts=400)
    [comparison] = compare_all(load_runs([study]))
    assert comparison.leading == ("elmo",), "premise: max is neither the baseline nor among the best"
    colours = {name: role_colour(comparison, name) for name in comparison.names}
    assert colours == {"cls": BASE, "elmo": LEAD, "max": REST}


def test_cells_stand_where_they_are_told():
    with house_style():
        axes = Figure().add_subplot()
        cells = Cells(axes, ["a", "b"], ["x", "y", "z"])
        cells.fill(1, 2, LEAD, 0.5)
        cells.outline(0, 1)
        cells.write(0, 1, "7", size=8)
        cells.draw()
    filled, outlined = axes.collections
    assert filled.get_paths()[0].contains_point((2, 1))
    assert filled.get_paths()[0].get_extents().extents == pytest.approx([1.52, 0.52, 2.48, 1.48])
    assert len(outlined.get_paths()) == 1
    assert [text.get_position() for text in axes.texts] == [(1, 0)]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "y", "z"]
