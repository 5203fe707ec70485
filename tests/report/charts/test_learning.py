"""Learning curves: the numbers of the leaderboards by training rows, and where the leader changes."""

from __future__ import annotations

import numpy as np
import pytest
from studies import write_run

from poolsweep.report.charts.learning import learning_chart
from poolsweep.report.charts.style import house_style
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.learning import learning_curve, learning_sentence
from poolsweep.report.results import load_runs

SKILL = {"cls": {30: 0.6, 100: 0.62, None: 0.9}, "max": {30: 0.3, 100: 0.8, None: 0.7}}


@pytest.fixture
def study(outputs):
    for pooling, skills in SKILL.items():
        for rows, skill in skills.items():
            for seed in range(4):
                more = {
                    "rows_asked": {"train_rows": rows, "rows_per_label": None},
                    "sizes": {"train": rows or 500, "validation": 20, "test": 60},
                }
                write_run(outputs / "s", pooling=pooling, seed=seed, skill=skill, num_texts=60, **more)
    return outputs / "s"


def test_each_size_has_its_comparison_s_numbers_from_few_rows_to_many(study):
    comparisons = compare_all(load_runs([study]))
    curve = learning_curve(comparisons)
    assert curve is not None
    assert [size.rows for size in curve.sizes] == [30, 100, 500]
    for size in curve.sizes:
        for name, summary in size.summaries.items():
            runs = [run for run in load_runs([study]) if run.facts["pooling"] == name]
            runs = [run for run in runs if run.facts["sizes"]["train"] == size.rows]
            assert summary.mean == pytest.approx(np.mean([run.metric("test/accuracy") for run in runs]))
    assert [size.leader for size in curve.sizes] == ["cls", "max", "cls"]
    assert [(before.rows, after.rows) for before, after in curve.changes] == [(30, 100), (100, 500)]
    assert learning_sentence(curve) == (
        "cls has the highest mean with 30 training rows, max from 100 on, cls from 500 on."
    )


def test_one_size_is_no_curve(study):
    comparisons = [one for one in compare_all(load_runs([study])) if one.group.arena.rows.train_rows is None]
    assert learning_curve(comparisons) is None


def test_runs_that_do_not_say_how_many_rows_they_had_are_on_no_curve(study):
    for pooling in SKILL:
        asked = {"train_rows": 7, "rows_per_label": None}
        write_run(study, pooling=pooling, seed=9, skill=0.5, num_texts=60, rows_asked=asked, sizes={"test": 60})
    curve = learning_curve(compare_all(load_runs([study])))
    assert curve is not None
    assert [size.rows for size in curve.sizes] == [30, 100, 500]


def test_the_figure_has_a_line_and_a_band_for_each_and_the_changes(study):
    with house_style():
        chart = learning_chart(learning_curve(compare_all(load_runs([study]))))
    [axes] = chart.figure.axes
    lines = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert [list(line.get_xdata()) for line in lines] == [[30, 100, 500]] * 2
    assert len(axes.collections) == 2
    dotted = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    assert dotted == pytest.approx([np.sqrt(30 * 100), np.sqrt(100 * 500)])
    assert axes.get_xscale() == "log"


def test_page_and_terminal_show_it(cli, study):
    done = cli("report", "s")
    assert done.status == 0, done.err
    assert "cls has the highest mean with 30 training rows" in done.out
    page = (study / "report" / "report.html").read_text()
    assert "Score by number of training rows" in page
    assert (study / "report" / "figures" / "learning.svg").is_file()
