"""Encoders by poolings: the table of their means, the test, and what is said of both."""

from __future__ import annotations

import numpy as np
import pytest
from studies import write_run

from poolsweep.report.charts.heat_maps import encoders_chart
from poolsweep.report.charts.style import house_style
from poolsweep.report.command import skipped_lines
from poolsweep.report.encoders import does_it_depend, encoder_grid
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs
from poolsweep.runs.plan import Skipped
from poolsweep.statistics import interaction_test


@pytest.fixture
def crossed(outputs):
    """Two encoders by three poolings, one of which an encoder lacks; what is best differs between the encoders."""

    def make(*, turned: bool = True, seeds=(0, 1, 2)):
        skill = {"small": (0.4, 0.5, 0.6), "large": (0.8, 0.7, 0.6) if turned else (0.5, 0.6, 0.7)}
        for encoder, skills in skill.items():
            for pooling, one in zip(("cls", "max", "pooler"), skills, strict=True):
                if (encoder, pooling) != ("small", "pooler"):
                    for seed in seeds:
                        write_run(outputs / "s", pooling=pooling, seed=seed, encoder=encoder, skill=one)
        [comparison] = compare_all(load_runs([outputs / "s"]))
        return comparison

    return make


def test_the_table_has_every_contender_and_a_hole_for_what_cannot_be(crossed):
    comparison = crossed()
    grid = encoder_grid(comparison)
    assert (grid.rows, set(grid.columns)) == (("large", "small"), {"cls", "max", "pooler"})
    hole = grid.columns.index("pooler")
    assert grid.names[1][hole] == ""
    assert np.isnan(grid.values[1, hole])
    for i, j in np.ndindex(*grid.values.shape):
        if grid.names[i][j]:
            assert grid.names[i][j] == f"{grid.rows[i]}/{grid.columns[j]}"
            assert grid.values[i, j] == comparison.summaries[grid.names[i][j]].mean


def test_the_test_is_that_of_the_statistics_and_is_said(crossed):
    comparison = crossed()
    grid = encoder_grid(comparison)
    cells = {(c.key.encoder, c.key.pooling): comparison.scores[name] for name, c in comparison.group.contenders.items()}
    assert grid.interaction.p_value == pytest.approx(interaction_test(cells).p_value)
    told = does_it_depend(comparison, grid)
    assert grid.interaction.p_value < 0.05, "premise"
    assert told.startswith("Does the best pooling depend on the encoder? Differences between poolings do (F(")
    assert "The best mean is that of cls with large, max with small." in told


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_one_seed_says_nothing_of_it_and_two_say_too_little(crossed, seeds):
    comparison = crossed(seeds=seeds)
    assert "is not known: it takes 3 seeds" in does_it_depend(comparison, encoder_grid(comparison))


def test_one_encoder_has_no_table(make_study):
    [comparison] = compare_all(load_runs([make_study()]))
    assert encoder_grid(comparison) is None
    assert does_it_depend(comparison, None) == ""


def test_the_figure_writes_every_mean_and_names_what_was_skipped(crossed):
    comparison = crossed()
    with house_style():
        chart = encoders_chart(comparison, encoder_grid(comparison), skipped=frozenset({("small", "pooler")}))
    written = {text.get_text() for text in chart.figure.axes[0].texts}
    assert "cannot be" in written
    assert {f"{100 * summary.mean:.2f}" for summary in comparison.summaries.values()} <= written


def test_what_was_skipped_is_named_and_long_lists_are_cut():
    one = Skipped("pooling=pooler encoder=x", "pooler", "x", "x has no pooler")
    assert skipped_lines([one]) == ["Skipped, for it cannot be: pooling=pooler encoder=x. x has no pooler"]
    assert skipped_lines([one] * 12)[-1] == "2 more were skipped."
