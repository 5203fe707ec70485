"""Alignment by row id, and what Scores refuse."""

import numpy as np
import pytest

from poolsweep.statistics import Scores, align_scores, share_rows


def test_seeds_are_aligned_by_row_id():
    scores = align_scores({3: ([12, 10, 11], [0.2, 0.0, 0.1]), 5: ([10, 11, 12], [1.0, 1.1, 1.2])})
    assert scores.seeds == (3, 5)
    assert scores.row_ids.tolist() == [10, 11, 12]
    assert scores.values.tolist() == [[0.0, 0.1, 0.2], [1.0, 1.1, 1.2]]


def test_row_ids_may_be_text():
    assert align_scores({0: (["b", "a"], [0.0, 1.0])}).values.tolist() == [[1.0, 0.0]]


def test_other_rows_are_named():
    with pytest.raises(ValueError, match="seed 1 was tested on other rows than seed 0"):
        align_scores({0: ([1, 2], [0, 0]), 1: ([1, 3], [0, 0])})


def test_share_rows_ignores_order_and_sees_a_missing_row():
    assert share_rows({0: [1, 2, 3], 1: [3, 1, 2]})
    assert not share_rows({0: [1, 2, 3], 1: [1, 2]})


def test_a_deterministic_contender_is_one_row_for_every_seed():
    scores = Scores([[1, 0], [1, 0]], seeds=(0, 1), row_ids=[0, 1], deterministic=True)
    assert scores.values.shape == (1, 2)
    assert scores.on((7, 8, 9)).tolist() == [[1, 0]] * 3


@pytest.mark.parametrize(
    ("values", "seeds", "rows", "deterministic", "message"),
    [
        ([[1, 0]], (0, 1), [0, 1], False, "for 2 seeds and 2 rows"),
        ([[1, np.nan]], (0,), [0, 1], False, "finite"),
        ([[1, 0], [1, 0]], (0, 0), [0, 1], False, "a seed comes twice"),
        ([[1, 0]], (0,), [1, 1], False, "a row id comes twice"),
        ([[1, 0], [0, 0]], (0, 1), [0, 1], True, "must agree"),
    ],
)
def test_bad_scores_are_refused(values, seeds, rows, deterministic, message):
    with pytest.raises(ValueError, match=message):
        Scores(values, seeds=seeds, row_ids=rows, deterministic=deterministic)


def test_no_seed_at_all_is_refused():
    with pytest.raises(ValueError, match="no seed"):
        align_scores({})
