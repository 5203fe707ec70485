"""What is no class is refused in one line; what only looks a little like it is not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from poolsweep.tasks.label_checks import why_no_classes
from poolsweep.tasks.labels import Labels


def problem_of(labels: list[str]) -> str | None:
    return why_no_classes(Labels.from_names(labels), pa.chunked_array([labels]), row_ids=np.arange(len(labels)) + 10)


def test_several_labels_in_a_row():
    found = problem_of(["joy", "fear", "joy", "fear|joy", "anger"])
    assert found is not None
    assert found.startswith("the label 'fear|joy' of row 14 is several at once")


@pytest.mark.parametrize("labels", [["Sci/Tech", "World, politics", "a|b"], ["a", "b;", ";"], ["1,5", "2"]])
def test_a_separator_in_a_name_is_no_list(labels: list[str]):
    assert problem_of(labels) is None


def test_scores():
    scores = [f"{i / 10:.1f}" for i in range(40)] * 3
    assert problem_of(scores) == (
        "the label column holds 40 different numbers (0.0 to 3.9), which are scores rather than classes: "
        "task=regression trains on scores; with data.labels=[…] they are names"
    )


@pytest.mark.parametrize(
    "labels",
    [["0.5", "1", "1.5", "2"] * 9, [str(i) for i in range(30)] * 3, [f"{i / 10}" for i in range(40)] + ["x"] * 50],
)
def test_numbers_that_are_names_of_classes(labels: list[str]):
    assert problem_of(labels) is None


def test_a_column_of_texts():
    assert problem_of([f"text {i}" for i in range(30)]) == (
        "the label column holds 30 different labels in 30 rows: is it another column? (data.label names it)"
    )
    assert problem_of([f"label {i // 2}" for i in range(30)]) is None
    assert problem_of(["a", "b", "c"]) is None, "of three rows nothing can be said"
    whole = problem_of([str(i) for i in range(30)])
    assert whole is not None
    assert whole.endswith("; task=regression trains on scores")
