"""t intervals are scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from poolsweep.report.intervals import paired_difference, t_interval


def test_the_interval_is_scipys():
    values = np.random.default_rng(0).normal(size=5)
    low, high = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    found = t_interval(list(values))
    assert (found.low, found.high, found.count) == (pytest.approx(low), pytest.approx(high), 5)


def test_pairs_are_those_both_have_and_agree_with_a_paired_t_test():
    first, second = {0: 0.9, 1: 0.8, 2: 0.85, 9: 0.1}, {2: 0.8, 1: 0.7, 0: 0.85, 7: 0.5}
    found = paired_difference(first, second)
    wanted = stats.ttest_rel([0.9, 0.8, 0.85], [0.85, 0.7, 0.8]).confidence_interval()
    assert (found.low, found.high) == (pytest.approx(wanted.low), pytest.approx(wanted.high))


def test_one_value_has_no_interval_and_none_has_no_mean():
    assert math.isnan(t_interval([1.0]).half_width)
    assert math.isnan(t_interval([]).mean)
