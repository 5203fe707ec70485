"""Who rests, who is taken up again, and who runs on so that an open verdict can be told."""

from __future__ import annotations

import numpy as np
import pytest

from poolsweep.sweep.race.forecast import Forecast
from poolsweep.sweep.race.rest import now_resting, with_rivals


def test_what_is_settled_rests_and_what_is_open_does_not():
    forecasts = {
        "surely tied": Forecast(True, 0.95, 0.0),
        "likely tied": Forecast(True, 0.75, 0.0),
        "surely out": Forecast(False, 0.01, 0.9),
        "out, but not if it were as good as the best": Forecast(False, 0.01, 0.5),
        "out as it looks, tied as it is going": Forecast(False, 0.9, 0.0),
    }
    found = now_resting(forecasts, resting={}, certainty=0.8)
    assert found == {"surely tied": True, "surely out": False}


def test_one_that_will_be_out_rests_before_the_report_can_show_it():
    """Two seeds leave the report's interval so wide that nothing is out, whatever the gap."""
    assert now_resting({"bad": Forecast(True, 0.0, 0.99)}, resting={}, certainty=0.8) == {"bad": False}


@pytest.mark.parametrize(
    ("verdict", "stays_tied", "rests"), [(True, 0.6, True), (True, 0.4, False), (False, 0.4, True), (False, 0.6, False)]
)
def test_a_rest_lasts_until_the_verdict_is_more_likely_than_not_to_change(verdict, stays_tied, rests):
    now = {"one": Forecast(True, stays_tied, 0.0)}
    assert now_resting(now, resting={}, certainty=0.8) == {}, "premise: it would not begin to rest"
    assert now_resting(now, resting={"one": verdict}, certainty=0.8) == ({"one": verdict} if rests else {})


def test_nobody_runs_on_where_nothing_is_open():
    now = {"a": Forecast(True, 1.0, 0.0), "b": Forecast(True, 1.0, 0.0)}
    assert with_rivals([], forecasts=now, means={"a": 1.0, "b": 0.9}, certainty=0.8) == []


def test_the_best_runs_on_with_one_whose_verdict_cannot_be_forecast():
    now = {"a": Forecast(True, 1.0, 0.0), "b": Forecast(True, 1.0, 0.0)}
    assert with_rivals(["failed"], forecasts=now, means={"a": 0.9, "b": 1.0}, certainty=0.8) == ["failed", "b"]
    assert with_rivals(["failed"], forecasts={}, means={}, certainty=0.8) == ["failed"]


def test_rivals_that_tell_nothing_more_stay_at_rest():
    shown = {"a": np.arange(10) < 5, "b": np.arange(10) < 4, "c": np.arange(10) >= 5}
    now = {name: Forecast(True, 1.0, 0.0) for name in "abc"} | {"open": Forecast(True, 0.0, 0.0, shown)}
    means = {"a": 0.9, "b": 0.89, "c": 0.88, "open": 0.8}
    assert with_rivals(["open"], forecasts=now, means=means, certainty=0.8) == ["open", "a", "c"], (
        "b shows what a shows"
    )
