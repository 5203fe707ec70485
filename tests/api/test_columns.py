"""Rows as Python has them are read as a file of the same content would be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from poolsweep.api.columns import read_columns
from poolsweep.api.frames import stored
from poolsweep.errors import UserError

TEXTS, LABELS = ["one", "two", "three"], [1, 2, 1]


def read(given, label="stars"):
    found = read_columns(given, ["text", label], label=label, where="train")
    return found.values["text"].to_pylist(), found.values[label].to_pylist()


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame({"text": TEXTS, "stars": LABELS, "other": [None, 1, "x"]}),
        pd.DataFrame({"text": pd.Series(TEXTS, dtype="string"), "stars": pd.Categorical(LABELS)}),
        polars.DataFrame({"text": TEXTS, "stars": LABELS}),
        pa.table({"stars": LABELS, "text": TEXTS}),
        Dataset.from_dict({"text": ["zero", *TEXTS], "stars": [9, *LABELS]}).select([1, 2, 3]),
        {"text": np.array(TEXTS), "stars": np.array(LABELS)},
        [{"text": text, "stars": label} for text, label in zip(TEXTS, LABELS, strict=True)],
        (TEXTS, LABELS),
    ],
    ids=["pandas", "pandas types", "polars", "arrow", "datasets", "columns", "rows", "pair"],
)
def test_every_kind_of_table_is_the_same_rows_and_the_same_file(given, tmp_path):
    assert read(given) == (TEXTS, ["1", "2", "1"])
    path, names = stored(given, ["text", "stars"], label="stars", where="train", root=tmp_path, stem="a/b")
    again, _ = stored((TEXTS, LABELS), ["text", "stars"], label="stars", where="train", root=tmp_path, stem="a/b")
    assert (path, names) == (again, None)
    assert path.read_text().splitlines()[0] == '{"text": "one", "stars": "1"}'
    assert path.parent == tmp_path / ".data"


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ([True, False, True], ["true", "false", "true"]),
        ([1.0, 0.5, float("nan")], ["1.0", "0.5", None]),
        (["007", "NA", None], ["007", "NA", None]),
        ([1, "a", 2.0], ["1", "a", "2.0"]),
        (pd.Series(["a", float("nan"), 3]), ["a", None, "3"]),
        (pd.Series([1, None, 2], dtype="Int64"), ["1", None, "2"]),
    ],
)
def test_labels_are_text_as_in_files_and_what_is_missing_stays_missing(labels, wanted):
    assert read({"text": TEXTS, "stars": labels})[1] == wanted


def test_class_labels_come_with_their_names_in_order(tmp_path):
    features = Features({"text": Value("string"), "stars": ClassLabel(names=["neg", "pos"])})
    rows = Dataset.from_dict({"text": TEXTS, "stars": [1, 0, 1]}, features=features)
    assert read(rows)[1] == ["pos", "neg", "pos"]
    assert stored(rows, ["text", "stars"], label="stars", where="train", root=tmp_path, stem="x")[1] == ("neg", "pos")


def test_a_file_that_was_edited_is_written_again(tmp_path):
    def write():
        return stored((TEXTS, LABELS), ["text", "stars"], label="stars", where="train", root=tmp_path, stem="x")[0]

    path = write()
    content = path.read_bytes()
    path.write_text("edited")
    assert write().read_bytes() == content


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (7, "train must be a data frame, .* got int"),
        ([{"text": "x"}], "has no column 'stars'"),
        ({"text": TEXTS, "star": LABELS}, "train has no column 'stars'; did you mean star?"),
        ({"text": TEXTS, "stars": [1]}, "columns differ in length: text 3, stars 1"),
        ({"text": "one", "stars": LABELS}, "column 'text' must hold a value for each row, got str"),
        ({"text": [[1], [2], [3]], "stars": LABELS}, "column 'text' must hold text, got list"),
        ({"text": ["a", {}, "b"], "stars": LABELS}, "column 'text' must hold text, got dict in row 2"),
        ({"text": ["a", "\ud800", "b"], "stars": LABELS}, "column 'text' holds half a character in row 2"),
        (pd.DataFrame([TEXTS, TEXTS], columns=["text", "text", "stars"]), "has the column 'text' more than once"),
        ((TEXTS, LABELS, TEXTS), "train must be a data frame"),
        ([], "train has no column 'text'"),
        ({"text": [], "stars": []}, "train has no rows"),
    ],
)
def test_what_is_no_table_is_refused_in_a_line(given, problem, tmp_path):
    with pytest.raises(UserError, match=problem) as refused:
        stored(given, ["text", "stars"], label="stars", where="train", root=tmp_path, stem="x")
    assert len(refused.value.problems) <= 2
    assert not list(tmp_path.iterdir())
