"""Sobol points are scipy's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats.qmc import Sobol

from poolsweep.statistics.sobol import sobol_points


@pytest.mark.parametrize(("power", "dimensions"), [(16, 64), (16, 1), (9, 9), (0, 3), (4, 65)])
def test_points_are_those_of_scipy(power, dimensions):
    expected = Sobol(dimensions, scramble=False).random(2**power)
    assert np.array_equal(sobol_points(2**power, dimensions), expected)
