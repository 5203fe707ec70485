"""Holm's adjustment against statsmodels, and the comparison with a baseline."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from poolsweep.report.statistics import Scores, compare_with_baseline, difference, holm, pairwise_differences


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("num", [1, 2, 7, 30])
def test_holm_against_statsmodels(num):
    p_values = np.random.default_rng(num).beta(0.3, 1, num)
    assert holm(list(p_values)) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_baseline_comparisons_are_the_pairs_own_differences():
    generator = np.random.default_rng(0)
    rows = np.arange(500)
    contenders = {
        name: Scores(generator.random((5, 500)) < rate, seeds=tuple(range(5)), row_ids=rows)
        for name, rate in {"cls": 0.6, "mean": 0.8, "max": 0.6}.items()
    }
    found = {item.name: item for item in compare_with_baseline(pairwise_differences(contenders), "cls")}
    assert set(found) == {"mean", "max"}
    assert found["mean"].differs
    assert not found["max"].differs
    expected = difference(contenders["mean"], contenders["cls"]).estimate
    assert found["mean"].estimate.low == pytest.approx(expected.low)
    assert found["mean"].adjusted_p == pytest.approx(2 * expected.p_value)


def test_an_unknown_baseline_is_named():
    pairwise = pairwise_differences({"cls": Scores([[0, 1]], seeds=(0,), row_ids=[0, 1])})
    with pytest.raises(ValueError, match="no contender mean, valid: cls"):
        compare_with_baseline(pairwise, "mean")
