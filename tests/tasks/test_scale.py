"""Numbers are read exactly, or refused; a stranger's scale is checked."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pytest

from poolsweep.tasks.scale import Scale, parsed


def column(*values: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([list(values)], pa.string())


def test_numbers_are_read_exactly():
    values = ["0.1", " 2.50 ", "-3", "+1e-3", "16777217", ".5", "5."]
    assert Scale(0.0, 1.0).encode(column(*values)).tolist() == [0.1, 2.5, -3.0, 0.001, 16777217.0, 0.5, 5.0]
    assert math.isnan(Scale(0.0, 1.0).encode(column(None, "1"))[0])


@pytest.mark.parametrize("value", ["abc", "nan", "inf", "-Infinity", "1e999", "1_000", "0x10", "2,5", "1 2", "٣x"])
def test_what_is_no_finite_number_is_refused(value: str):
    assert math.isnan(parsed(value))
    [(what, why)] = Scale(0.0, 1.0).unknown(column(value, "1"), where_seen="").values()
    assert what == f"score {value!r}"
    assert why.startswith("is no finite number")
    assert ("a point" in why) == (value == "2,5")


def test_scores_outside_the_bounds_are_refused():
    found = Scale(2.0, 1.0, (0.0, 5.0)).unknown(column("0", "5", "5.1", "-0.1", " "), where_seen="")
    assert found == {value: (f"score {value!r}", "lies outside task.bounds=[0,5]") for value in ("5.1", "-0.1")}


def test_mean_and_spread_are_those_of_the_numbers():
    numbers = np.random.default_rng(0).normal(1e6, 3, size=500)
    scale = Scale.of(column(*map(repr, numbers.tolist()), "no number"), bounds=None)
    assert (scale.mean, scale.std) == (numbers.mean(), numbers.std())
    assert Scale.of(column("0.1", "0.1", "0.1"), bounds=None).std == 0, "exactly: rounding is no spread"


@pytest.mark.parametrize("scale", [Scale(0.1, 1 / 3), Scale(-1e100, 1e-100, (-0.1, 0.3))])
def test_a_scale_goes_to_json_and_back(scale: Scale):
    assert Scale.read(json.loads(json.dumps(scale.to_mapping()))) == scale


@pytest.mark.parametrize(
    "content",
    [
        [], {"joy": 0}, {"mean": 0, "std": 1}, {"mean": 0, "std": 1, "bounds": None, "code": 1},
        {"mean": 0, "std": 0, "bounds": None}, {"mean": 0, "std": -1, "bounds": None},
        {"mean": math.nan, "std": 1, "bounds": None}, {"mean": 0, "std": math.inf, "bounds": None},
        {"mean": 10**400, "std": 1, "bounds": None}, {"mean": True, "std": 1, "bounds": None},
        {"mean": "0", "std": 1, "bounds": None}, {"mean": 0, "std": 1, "bounds": [5, 0]},
        {"mean": 0, "std": 1, "bounds": [0]}, {"mean": 0, "std": 1, "bounds": [0, math.nan]},
        {"mean": 0, "std": 1, "bounds": {"low": 0}}, {"mean": 0, "std": 1, "bounds": []},
    ],
)  # fmt: skip
def test_a_strangers_scale_is_checked(content: object):
    with pytest.raises(ValueError, match=r"scale|mean|bounds"):
        Scale.read(content)
