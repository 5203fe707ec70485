"""Who is dropped: hand-made scores whose answer is plain, and scores that must not be enough."""

from __future__ import annotations

import numpy as np
import pytest

from poolsweep.statistics import Scores, compare_with_best, pairwise_differences
from poolsweep.sweep.race.analysis import (
    VARIANCE_RATIO,
    analysis_level,
    not_best,
    not_best_nested,
    with_pooled_noise,
)

ROWS = 400


def answers(*shares: float, seeds: int = 2, shift: int = 0) -> Scores:
    """Right on the first ``share`` of the rows, for each seed; ``shift`` moves which rows those are."""
    table = np.zeros((seeds, ROWS))
    for place in range(seeds):
        table[place, : round(shares[min(place, len(shares) - 1)] * ROWS)] = 1
    return Scores(np.roll(table, shift, axis=1), seeds=tuple(range(seeds)), row_ids=np.arange(ROWS))


def test_interim_analyses_spend_the_level_and_no_more():
    spent = [1 - analysis_level(number, level=0.99) for number in range(1, 2000)]
    assert spent[0] == pytest.approx(0.005)
    assert spent[1] == pytest.approx(0.01 / 6)
    assert spent == sorted(spent, reverse=True)
    assert 0.00999 < sum(spent) <= 0.01


def test_the_worse_is_dropped_and_the_tied_are_not():
    field = {"best": answers(0.9, 0.91), "tied": answers(0.9, 0.9, shift=20), "bad": answers(0.6, 0.61)}
    out = not_best(field, level=0.995)
    assert list(out) == ["bad"]
    assert out["bad"].behind == "best"
    assert out["bad"].gap == pytest.approx(0.605 - 0.905)
    assert 0 <= out["bad"].p_value < 0.005


def test_what_the_report_alone_cannot_tell_after_two_seeds():
    """The premise of pooling the noise: with a pair's one degree of freedom, a gap of 25 points may be chance."""
    field = {f"good {i}": answers(0.9, 0.9, shift=i) for i in range(8)} | {"bad": answers(0.68, 0.62)}
    alone = compare_with_best(pairwise_differences(field), level=0.995)
    assert "bad" in alone.leading
    assert list(not_best(field, level=0.995)) == ["bad"]


def test_identical_contenders_are_never_dropped():
    same = answers(0.8, 0.7, seeds=4)
    assert not_best({str(i): same for i in range(6)}, level=0.95001) == {}


def test_one_alone_is_never_dropped():
    assert not_best({"only": answers(0.1)}, level=0.99) == {}
    assert not_best_nested({"only": {"a": np.ones(3), "b": np.ones(3)}}, test_to_train=0.0, level=0.99) == {}


def test_a_gap_within_the_noise_of_the_seeds_is_not_enough():
    """Far apart on the texts, which are the same every time, but every seed goes another way."""
    shares = {"a": (0.9, 0.5, 0.9), "b": (0.5, 0.9, 0.6), "c": (0.7, 0.6, 0.8)}
    field = {name: answers(*by_seed, seeds=3) for name, by_seed in shares.items()}
    assert not_best(field, level=0.99) == {}


def test_one_that_is_visibly_unsteady_keeps_its_wider_error():
    """Two seeds, one of which collapsed: the others' steadiness must not make that look certain."""
    steady = {f"steady {i}": answers(0.9 - i / 400, 0.9 - i / 400, shift=i) for i in range(10)}
    out = not_best({**steady, "collapsed": answers(0.88, 0.5)}, level=0.995)
    assert "collapsed" not in out
    out = not_best({**steady, "low": answers(0.69, 0.69)}, level=0.995)
    assert "low" in out, "the same mean, of two seeds that agree"


def test_pooled_errors_by_hand():
    """Three contenders, two seeds, four rows: the interaction's mean square, twice, takes the place of the pair's."""
    table = {
        "a": [[1, 1, 0, 0], [1, 1, 1, 1]],  # 0.5, 1.0
        "b": [[1, 0, 0, 0], [1, 0, 0, 0]],  # 0.25, 0.25
        "c": [[1, 1, 1, 0], [0, 1, 1, 1]],  # 0.75, 0.75
    }
    field = {name: Scores(rows, seeds=(0, 1), row_ids=range(4)) for name, rows in table.items()}
    # Means less row and column means: a −1/6, 1/6; b and c 1/12, −1/12. Squares: 2/36 + 4/144 = 1/12, of 2 df: 1/24.
    pooled = VARIANCE_RATIO * 2 * (1 / 24) * 4
    found = with_pooled_noise(field)
    # b − c: seeds [−0.5, −0.5], so a mean square of 0; rows −1/2, −1, −1, 1/2 less … by hand:
    difference = np.array(table["b"]) - np.array(table["c"])
    by_row = difference.mean(axis=0) - difference.mean()
    examples = 2 * np.sum(by_row**2) / 3
    residual = np.sum((difference - difference.mean(axis=0)) ** 2) / 3
    expected = (max(pooled, residual) + max(examples, residual) - residual) / 8
    assert found.standard_error[1, 2] ** 2 == pytest.approx(expected)
    plain = pairwise_differences(field)
    assert found.value.tolist() == plain.value.tolist()
    assert found.standard_error[0, 1] >= plain.standard_error[0, 1], "no error becomes smaller"


def test_more_contenders_than_the_correlation_is_reckoned_for():
    field = {str(i): answers(0.9, 0.9, shift=i) for i in range(45)}
    assert list(not_best({**field, "bad": answers(0.5, 0.5)}, level=0.995)) == ["bad"]


def test_nested_rows_need_more_seeds():
    right = {"good": (900, 910), "also": (900, 900), "bad": (500, 520)}
    two = {name: {str(i): (np.arange(1000) < num) * 1.0 for i, num in enumerate(nums)} for name, nums in right.items()}
    assert not_best_nested(two, test_to_train=0.1, level=0.995) == {}
    more = {name: (*nums, nums[0] + 4, nums[1] - 2, *nums[:1]) for name, nums in right.items()}
    five = {name: {str(i): (np.arange(1000) < num) * 1.0 for i, num in enumerate(nums)} for name, nums in more.items()}
    assert list(not_best_nested(five, test_to_train=0.1, level=0.995)) == ["bad"]


def test_splits_that_agree_by_chance_drop_nobody():
    """Ahead by 10 of 100 texts on each of two splits: no certainty."""
    right = {"good": (80, 70), "bad": (70, 60)}
    ahead = {n: {str(i): (np.arange(100) < num) * 1.0 for i, num in enumerate(nums)} for n, nums in right.items()}
    assert not_best_nested(ahead, test_to_train=0.0, level=0.95) == {}


@pytest.mark.parametrize("equal", [True, False])
def test_the_best_is_kept_at_the_nominal_rate(equal):
    """Studies of five contenders without any difference, or with one that is four times as unsteady as the others.

    At a level of 0.95 the best is dropped in at most 5 of 100; 12 are three standard errors more.
    """
    random = np.random.default_rng(1)
    spread = np.full(5, 0.02) if equal else np.array([0.04, *[0.01] * 4])
    lost = 0
    for _ in range(100):
        ease = random.standard_normal(100)
        shares = 0.3 * random.standard_normal((5, 1, 100)) + 0.5 * ease + 0.3 * random.standard_normal((5, 2, 100))
        table = (shares + (spread[:, None] * random.standard_normal((5, 2)))[:, :, None] / 0.4 > -0.6) * 1.0
        field = {str(i): Scores(table[i], seeds=(0, 1), row_ids=range(100)) for i in range(5)}
        lost += "0" in not_best(field, level=0.95)
    assert lost <= 12, f"dropped the best in {lost} of 100"
