"""The interaction test, against t tests of a difference of differences and worlds where the truth is known."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from poolsweep.statistics import Resampling, Scores, difference, difference_over_splits, interaction_test

ROWS, COLUMNS = ("small", "large"), ("cls", "mean", "max")


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def table(generator, *, seeds=5, texts=100, luck=0.3, effect=None, columns=COLUMNS, deterministic=False):
    """Scores of each cell: rows and columns differ, by sums alone unless there is an effect."""
    hard = generator.normal(size=texts)
    cells = {}
    for (i, row), (j, column) in itertools.product(enumerate(ROWS), enumerate(columns)):
        mean = i + 0.5 * j + (effect or {}).get((row, column), 0.0)
        noise = hard + luck * generator.normal(size=(seeds, 1)) + generator.normal(size=(seeds, texts))
        cells[row, column] = Scores(
            mean + noise, seeds=tuple(range(seeds)), row_ids=range(texts), deterministic=deterministic
        )
    return cells


def test_where_nothing_is_random_two_by_two_is_the_paired_t_test(generator):
    cells = table(generator, seeds=1, columns=COLUMNS[:2], deterministic=True)
    gaps = [cells[row, "cls"].values[0] - cells[row, "mean"].values[0] for row in ROWS]
    expected, found = stats.ttest_rel(*gaps), interaction_test(cells)
    assert found.statistic == pytest.approx(expected.statistic**2)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.df, found.error_df, found.num_contrasts) == pytest.approx((1, 99, 1))
    assert found.covers == ("texts",)


def test_two_by_two_is_the_difference_of_differences(generator):
    cells = table(generator, columns=COLUMNS[:2])
    gaps = [Scores(cells[row, "cls"].values - cells[row, "mean"].values, seeds=range(5), row_ids=range(100))
            for row in ROWS]  # fmt: skip
    expected, found = difference(*gaps).estimate, interaction_test(cells)
    assert found.p_value == pytest.approx(expected.p_value, rel=0.02)
    assert found.covers == ("seeds", "texts")
    resampling = Resampling(800, 1000, folds=5)
    split = [{seed: one_seed(scores, seed) for seed in range(5)} for scores in (*gaps, *cells.values())]
    over = interaction_test(dict(zip(cells, split[2:], strict=True)), resampling)
    expected = difference_over_splits(*split[:2], resampling).estimate
    assert over.p_value == pytest.approx(expected.p_value, rel=0.02)
    assert over.covers == ("seeds", "texts", "splits")


def one_seed(scores, seed):
    return Scores(scores.values[[seed]], seeds=(seed,), row_ids=scores.row_ids)


def test_departures_are_what_no_sum_explains(generator):
    effect = {("large", "max"): 3.0}
    found = interaction_test(table(generator, effect=effect))
    assert found.p_value < 1e-4
    assert found.departures["large", "max"] == pytest.approx(1.0, abs=0.3)
    assert found.departures["small", "cls"] == pytest.approx(0.5, abs=0.3)
    assert sum(found.departures.values()) == pytest.approx(0)


def test_a_missing_cell_leaves_the_rest_to_test(generator):
    cells = table(generator, effect={("small", "max"): 5.0})
    assert interaction_test(cells).p_value < 1e-4
    del cells["small", "max"]
    found = interaction_test(cells)
    assert (found.num_contrasts, found.departures["large", "max"]) == (1, pytest.approx(0))
    assert found.p_value > 0.01


def test_what_can_not_be_tested(generator):
    cells = table(generator)
    assert interaction_test({cell: scores for cell, scores in cells.items() if cell[0] == "small"}) is None
    corner = {("small", "cls"), ("large", "cls"), ("large", "mean")}
    assert interaction_test({cell: scores for cell, scores in cells.items() if cell in corner}) is None
    single = interaction_test({cell: one_seed(scores, 0) for cell, scores in cells.items()})
    assert math.isnan(single.p_value)
    assert single.covers == ()
    same = cells["small", "cls"]
    assert math.isnan(interaction_test(dict.fromkeys(cells, same)).p_value)
    others = {cell: Scores(scores.values, seeds=range(9, 14), row_ids=scores.row_ids) for cell, scores in cells.items()}
    assert interaction_test(cells | {("small", "cls"): others["small", "cls"]}) is None
    with pytest.raises(ValueError, match="how the splits were drawn"):
        interaction_test({cell: {0: scores} for cell, scores in cells.items()})


@pytest.mark.parametrize(("seeds", "luck"), [(5, 0.0), (5, 0.5), (3, 0.5)])
def test_its_size(generator, seeds, luck):
    found = [interaction_test(table(generator, seeds=seeds, texts=60, luck=luck)).p_value < 0.05 for _ in range(600)]
    assert 0.005 < np.mean(found) < 0.075
