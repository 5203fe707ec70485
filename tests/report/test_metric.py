"""Metrics by name."""

from __future__ import annotations

import pytest

from poolsweep.errors import UserError
from poolsweep.report.metric import check_metric, p_text


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(UserError, match="f1_macro"):
        check_metric("f1_makro")


@pytest.mark.parametrize("p_value", [0.0496, 0.04999, 0.0500, 0.0504])
def test_rounding_never_hides_the_side_of_the_threshold(p_value: float):
    assert p_text(p_value).startswith("<") == (p_value < 0.05)
