"""The grid of layers by tokens."""

from __future__ import annotations

import numpy as np
import pytest
from studies import write_run

from poolsweep.pooling.presets import load_half
from poolsweep.report.charts.heat_maps import halves_grid
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.results import load_runs


def crossed(folder, layers, tokens, *, without=()):
    for row in layers:
        for column in tokens:
            if (row, column) not in without:
                pooling = {"layers": load_half("layers", row), "tokens": load_half("tokens", column)}
                for seed in (0, 1):
                    write_run(folder, pooling=f"{row}+{column}", seed=seed, num_texts=40, config={"pooling": pooling})
    return compare_all(load_runs([folder]))[0]


def test_every_contender_stands_in_its_cell(tmp_path):
    comparison = crossed(tmp_path, ["last", "last4_concat"], ["cls", "max", "mean"])
    grid = halves_grid(comparison)
    assert grid is not None
    assert (grid.layers, grid.tokens) == (("last", "last4_concat"), ("cls", "max", "mean"))
    for i, row in enumerate(grid.layers):
        for j, column in enumerate(grid.tokens):
            assert grid.names[i][j] == f"{row}+{column}"
            assert grid.values[i, j] == pytest.approx(comparison.summaries[f"{row}+{column}"].mean)


def test_a_missing_cell_is_empty(tmp_path):
    grid = halves_grid(crossed(tmp_path, ["last", "last4_concat"], ["cls", "max", "mean"], without=[("last", "max")]))
    assert grid is not None
    assert "max" not in grid.tokens, "it has one partner only"
    grid = halves_grid(crossed(tmp_path / "b", ["last", "last4_concat", "last4_mean"], ["cls", "max", "mean"],
                               without=[("last", "max")]))  # fmt: skip
    assert grid is not None
    assert grid.names[0] == ("last+cls", "", "last+mean")
    assert np.argwhere(np.isnan(grid.values)).tolist() == [[0, 1]]


@pytest.mark.parametrize(("layers", "tokens"), [(["last"], ["cls", "max"]), (["last", "last4_mean"], ["cls"])])
def test_one_half_alone_is_no_grid(tmp_path, layers, tokens):
    assert halves_grid(crossed(tmp_path, layers, tokens)) is None


def test_configs_that_say_nothing_of_halves_give_none(make_study):
    assert halves_grid(compare_all(load_runs([make_study()]))[0]) is None
