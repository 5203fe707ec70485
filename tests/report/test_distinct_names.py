"""Names of data sets and encoders differ where their contents do."""

from __future__ import annotations

from typing import Any

import pytest

from poolsweep.report.distinct_names import distinct_names


def facts(content: str | None, *place: str, name: str = "reviews", started: str = "2026", kind: str = "data") -> dict:
    return {kind: name, f"{kind}_id": content, f"{kind}_place": list(place), "started": started}


def names(*records: dict[str, Any], kind: str = "data") -> list[str]:
    return [found[kind] for found in distinct_names(records)]


def test_one_content_keeps_its_name_wherever_it_lay():
    assert names(facts("x", "/a/reviews.csv"), facts("x", "/b/reviews.csv")) == ["reviews", "reviews"]
    assert names(facts(None), facts(None)) == ["reviews", "reviews"], "an unfinished run tells no content"


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (("/d/a/reviews.csv", "/d/b/reviews.csv"), ["a/reviews", "b/reviews"]),
        (("/a/d/reviews.csv", "/b/d/reviews.csv"), ["a/d/reviews", "b/d/reviews"]),
        (("/a/reviews/train.csv", "/b/reviews/train.csv"), ["a/reviews", "b/reviews"]),
        (("/d/one.csv", "/d/two.csv"), ["reviews (one)", "reviews (two)"]),
        (("/reviews.csv", "/b/reviews.csv"), ["//reviews", "b/reviews"]),
    ],
)
def test_several_contents_are_called_by_as_much_of_their_paths_as_it_takes(places, expected: list[str]):
    assert names(facts("x", places[0]), facts("y", places[1])) == expected


def test_files_that_differ_in_their_test_file_alone():
    assert names(facts("x", "/d/reviews.csv", "/d/easy.csv"), facts("y", "/d/reviews.csv", "/d/hard.csv")) == [
        "reviews (easy)",
        "reviews (hard)",
    ]


def test_contents_without_a_path_are_called_by_their_content():
    assert names(facts("0123456789"), facts("abcdefghij")) == ["reviews (012345)", "reviews (abcdef)"]


def test_a_content_that_was_replaced_at_its_path_is_outdated():
    records = [
        facts("first", "/d/reviews.csv", started="2026-01-01"),
        facts("third", "/d/reviews.csv", started="2026-01-03"),
        facts("second", "/d/reviews.csv", started="2026-01-02"),
        facts("other", "/e/reviews.csv", started="2026-01-01"),
    ]
    found = distinct_names(records)
    assert [one["data"] for one in found] == ["d/reviews", "d/reviews", "d/reviews", "e/reviews"]
    assert [one.get("outdated") for one in found] == ["data", None, "data", None]


def test_a_content_that_still_lies_elsewhere_counts():
    records = [facts("x", "/d/r.csv", started="1"), facts("x", "/e/r.csv", started="1"), facts("y", "/d/r.csv")]
    assert not [one for one in distinct_names(records) if "outdated" in one]


def test_encoders_are_told_apart_as_data_sets_are():
    records = [facts(c, f"/{c}/checkpoint-500", name="checkpoint-500", kind="encoder") for c in ("runA", "runB")]
    assert names(*records, kind="encoder") == ["runA/checkpoint-500", "runB/checkpoint-500"]
