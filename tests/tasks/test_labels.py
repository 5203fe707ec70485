"""The label contract."""

from __future__ import annotations

import pyarrow as pa
import pytest

from poolsweep.tasks.labels import Labels


def test_numeric_names_sort_numerically_and_others_by_code_point():
    assert Labels.from_names(["10", "9", "2.5", "-1"]).names == ("-1", "2.5", "9", "10")
    assert Labels.from_names(["10", "9", "x"]).names == ("10", "9", "x")
    assert Labels.from_names(["nan", "2", "10"]).names == ("10", "2", "nan")
    assert Labels.from_names(["b", "A", "é", "a"]).names == ("A", "a", "b", "é")


def test_names_that_are_one_number_stay_two_labels():
    assert Labels.from_names(["1", "1.0", "01"]).names == ("01", "1", "1.0")


def test_mapping_goes_there_and_back():
    labels = Labels(("no", "yes"))
    assert labels.to_mapping() == {"no": 0, "yes": 1}
    assert Labels.from_mapping({"yes": 1, "no": 0}) == labels


@pytest.mark.parametrize("ids", [{"a": 1, "b": 2}, {"a": 0, "b": 0}])
def test_a_mapping_must_number_from_zero_without_gaps(ids: dict[str, int]):
    with pytest.raises(ValueError, match="label ids must be 0 to 1, once each"):
        Labels.from_mapping(ids)


def test_encode_gives_minus_one_for_what_is_unknown_or_null():
    column = pa.chunked_array([["yes", None], ["maybe", "no"]])
    assert Labels(("no", "yes")).encode(column).tolist() == [1, -1, -1, 0]
