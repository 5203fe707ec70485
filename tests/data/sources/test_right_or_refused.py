"""Files as people have them: read as they are, or refused with the row and what to type."""

from __future__ import annotations

import csv
import datetime
import decimal
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from read_files import read_files

from poolsweep.data.checks import check
from poolsweep.data.sources.files import Files
from poolsweep.data.splits import Splits
from poolsweep.errors import UserError
from poolsweep.tasks import Classification

TEXTS = [f"text {i}" for i in range(30)]
LABELS = ["pos" if i % 2 else "neg" for i in range(30)]


def read(path: Path, **options) -> list[tuple[str, str]]:
    train = Files(train=str(path), validation=str(path), test=str(path), **options).read().train
    return list(zip(train.column("text").to_pylist(), train.column("label").to_pylist(), strict=True))


def loaded(path: Path, **options) -> Splits:
    return read_files(path, **options)[0]


def problem(path: Path, **options) -> str:
    with pytest.raises(UserError) as error:
        check(Files(train=str(path), validation=str(path), test=str(path), **options).read(), Classification())
    return error.value.problems[0]


def write(path: Path, content: str) -> Path:
    path.write_bytes(content.encode())
    return path


def columns(path: Path, **values: pa.Array) -> Path:
    pq.write_table(pa.table(values), path)
    return path


@pytest.mark.parametrize(
    ("header", "row"),
    [(",text,label", "0,hello,pos"), ("text,label,,", "hello,pos,,"), ("x,text,x,label", "1,hello,2,pos"),
     ("sep=;\ntext;label", "hello;pos"), ("text,label,x", "hello,pos"), ("\ntext,label", "hello,pos\n   \n")],
)  # fmt: skip
def test_only_columns_that_are_asked_for_count(tmp_path, header: str, row: str):
    assert read(write(tmp_path / "r.csv", f"{header}\n{row}\n")) == [("hello", "pos")]


def test_a_file_of_the_same_size_and_time_is_read_anew(tmp_path):
    path = tmp_path / "r.csv"
    for label in ("yes", "007"):
        write(path, f"text,label\nhello,{label}\nbye,no\n")
        os.utime(path, (1e9, 1e9))
        assert read(path)[0] == ("hello", label)


@pytest.mark.parametrize("name", ["r[1]", "r*", "r?", "{r,s}", "ré 1"])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_name_is_no_pattern(tmp_path, name: str, ending: str):
    for stem, label in ((name, "right"), ("r1", "wrong"), ("r", "wrong")):
        frame, path = pd.DataFrame({"text": ["hello"], "label": [label]}), tmp_path / f"{stem}.{ending}"
        if ending == "csv":
            frame.to_csv(path, index=False)
        elif ending == "jsonl":
            frame.to_json(path, orient="records", lines=True)
        else:
            frame.to_parquet(path)
    assert read(tmp_path / f"{name}.{ending}") == [("hello", "right")]


@pytest.mark.parametrize("values", [[1, 0], [1.0, 0.5], ["007", "x"], [-1, 2]])
def test_a_label_is_the_same_text_in_every_format(tmp_path, values: list):
    frame = pd.DataFrame({"text": ["a", "b"], "label": values})
    frame.to_csv(tmp_path / "f.csv", index=False)
    frame.to_json(tmp_path / "f.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "f.parquet")
    found = [read(tmp_path / f"f.{ending}") for ending in ("csv", "jsonl", "parquet")]
    assert found[0] == found[1] == found[2] == [("a", str(values[0])), ("b", str(values[1]))]


@pytest.mark.parametrize(
    ("array", "expected"),
    [(pa.array([1.0, float("nan")]), ["1.0", None]), (pa.array([b"x", None]), ["x", None]),
     (pa.array(["x", "y"]).dictionary_encode(), ["x", "y"]), (pa.array([True, False]), ["true", "false"]),
     (pa.array([0.1, 2], pa.float32()), ["0.1", "2.0"]), (pa.array([np.float16(0.5)] * 2), ["0.5", "0.5"]),
     (pa.array([decimal.Decimal("1.10"), None]), ["1.10", None]), (pa.array([2**62, -1]), [str(2**62), "-1"]),
     (pa.array([datetime.date(2024, 1, 2), None]), ["2024-01-02", None]),
     (pa.array(["x", "y"], pa.large_string()), ["x", "y"])],
)  # fmt: skip
def test_every_plain_type_is_read_as_text(tmp_path, array: pa.Array, expected: list):
    path = columns(tmp_path / "r.parquet", text=pa.array(["a", "b"]), label=array)
    assert [label for _, label in read(path)] == expected


@pytest.mark.parametrize(
    ("values", "reason"),
    [(pa.array(["caf\u00e9".encode("latin-1"), b"x"]), "column 'text' holds bytes that are not UTF-8 (0xe9) in row 1"),
     (pa.array([["x"], ["y"]]), "column 'text' must hold text, got list"),
     (pa.array([{"a": 1}, None]), "column 'text' must hold text, got struct")],
)  # fmt: skip
def test_what_is_no_text_is_refused_with_column_and_row(tmp_path, values: pa.Array, reason: str):
    assert reason in problem(columns(tmp_path / "r.parquet", text=values, label=pa.array(["a", "b"])))


def test_missing_labels_and_files_without_rows(tmp_path):
    labels = pa.array([1.0, 0.0, float("nan")])
    assert "empty label in row 3" in problem(columns(tmp_path / "a.parquet", text=pa.array(["x"] * 3), label=labels))
    nothing = pa.array([], pa.string())
    assert problem(columns(tmp_path / "b.parquet", text=nothing, label=nothing)).endswith(" has no rows")


@pytest.mark.parametrize(
    ("line", "reason"),
    [("null", "line 2 is no object: null"), ("3", "line 2 is no object"), ("[1]", "line 2 is no object"),
     ("{", "line 2 is not JSON"), ('{"text": 1, "text": 2, "label": 1}', "line 2 has the key 'text' more than once"),
     ("[" * 100_000, "line 2 is nested too deeply"), ('{"text": {}, "label": 1}', "must hold text, got {} in line 2"),
     ('{"text": "\\ud800", "label": 1}', "half a character"), ('{"label": NaN, "text": "b"}', "empty label in row 2")],
)  # fmt: skip
def test_every_line_of_json_is_read_or_refused(tmp_path, line: str, reason: str):
    assert reason in problem(write(tmp_path / "r.jsonl", f'\ufeff{{"text": "a", "label": "x"}}\n{line}\n'))


def test_json_as_one_list(tmp_path):
    path = write(tmp_path / "r.json", '[\n {"text": "a", "label": 1.50},\n {"text": "b", "label": true}\n]')
    assert read(path) == [("a", "1.50"), ("b", "true")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [("text,label\ncaf\u00e9,a\n".encode("latin-1"), "byte 0xe9 in line 2"),
     ("text,label\na,b\n".encode("utf-16"), "is UTF-16 text"),
     ("text,label\na,b\n".encode("utf-16-le"), "it holds NUL bytes"), (b"text,label\na\0,b\n", "it holds NUL bytes")],
)  # fmt: skip
def test_text_that_is_not_utf8_is_refused(tmp_path, content: bytes, reason: str):
    (tmp_path / "r.csv").write_bytes(content)
    assert reason in problem(tmp_path / "r.csv")


def test_a_tsv_of_pandas_with_line_breaks_is_told_to_be_quoted(tmp_path):
    frame = pd.DataFrame({"text": ["one\ntwo", "three"], "label": ["a", "b"]})
    frame.to_csv(tmp_path / "r.tsv", sep="\t", index=False)
    assert "row 1 has 1 field, and the header 2; data.quoted=true reads" in problem(tmp_path / "r.tsv")
    assert read(tmp_path / "r.tsv", quoted=True) == [("one\ntwo", "a"), ("three", "b")]


def test_stray_quotes_that_swallow_rows_are_said(tmp_path):
    lines = [f"{label},{text}" for text, label in zip(TEXTS, LABELS, strict=True)]
    lines[10], lines[20] = 'neg,"a quote', 'neg,ends here"'
    path = write(tmp_path / "r.csv", "\n".join(["label,text", *lines, ""]))
    [caution] = loaded(path).cautions
    assert "texts hold 10 lines that look like rows of their own: row 11 (10 lines)" in caution
    unquoted = read(path, quoted=False)
    assert (len(unquoted), unquoted[10]) == (30, ('"a quote', "neg"))
    lines[10], lines[20] = "neg,x", 'neg,"never'
    [caution] = loaded(write(tmp_path / "s.csv", "\n".join(["label,text", *lines, ""]))).cautions
    assert "row 21 (9 lines)" in caution, "a quote that nobody closes"
    swapped = [",".join(reversed(line.split(","))) for line in lines]
    never_closed = write(tmp_path / "t.csv", "\n".join(["text,label", *swapped, ""]))
    assert "row 21 has 1 field, and the header 2; it holds 10 lines of the file" in problem(never_closed)


def test_honest_texts_of_many_lines_are_not_suspected(tmp_path):
    path = tmp_path / "r.csv"
    pd.DataFrame({"text": [f"{t},\nfine, or\n\npos" for t in TEXTS], "label": LABELS}).to_csv(path, index=False)
    assert not loaded(path).cautions
    with path.open(newline="", encoding="utf-8") as file:
        assert read(path) == [tuple(row) for row in list(csv.reader(file))[1:]]


def test_labels_that_differ_in_next_to_nothing_are_said(tmp_path):
    labels = ["neg ", "NEG", *LABELS[2:]]
    pd.DataFrame({"text": TEXTS, "label": labels}).to_csv(tmp_path / "r.csv", index=False)
    options = {"validation": str(tmp_path / "r.csv"), "test": str(tmp_path / "r.csv")}
    assert any(
        "'NEG' and 'neg', 'NEG' and 'neg '" in caution for caution in loaded(tmp_path / "r.csv", **options).cautions
    )


def test_truth_values_are_given_as_they_are_spelled_in_the_file(tmp_path):
    pd.DataFrame({"text": TEXTS, "label": [i % 2 == 0 for i in range(30)]}).to_csv(tmp_path / "r.csv", index=False)
    assert check(loaded(tmp_path / "r.csv", labels=[True, False]), Classification()).names == ("True", "False")


def test_test_texts_that_stand_in_training_are_counted(tmp_path):
    train = pd.DataFrame({"text": TEXTS, "label": LABELS})
    train.to_csv(tmp_path / "r.csv", index=False)
    train[:20].assign(text=[f" {t.upper()}" for t in TEXTS[:20]]).to_csv(tmp_path / "t.csv", index=False)
    [caution] = loaded(tmp_path / "r.csv", test=str(tmp_path / "t.csv")).cautions
    assert caution.startswith("20 of the 20 test texts stand in training or validation too")
    assert not loaded(tmp_path / "r.csv").cautions, "what is split off keeps equal texts together"


def test_hidden_test_labels_are_said_in_one_line(tmp_path):
    pd.DataFrame({"text": TEXTS, "label": LABELS}).to_csv(tmp_path / "r.csv", index=False)
    pd.DataFrame({"text": TEXTS, "label": -1}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UserError) as error:
        loaded(tmp_path / "r.csv", test=str(tmp_path / "t.csv"))
    [found] = error.value.problems
    assert "all labels of the test split are hidden (-1 or empty); data.test=null splits one off" in found


def test_pipes_and_folders_are_refused_and_only_data_files_are_named(tmp_path):
    os.mkfifo(tmp_path / "p.csv")
    assert "is no regular file; a pipe can be read only once" in problem(tmp_path / "p.csv")
    write(tmp_path / "train.csv", "text,label\n")
    write(tmp_path / "code.py", "")
    assert problem(tmp_path / "reviews_2024").endswith("does not exist; valid: p.csv, train.csv")
    assert "cannot be read: " in problem(tmp_path / f"{'x' * 300}.csv")


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "r.csv", "text,label\na,x\nb,y\n")
    write(tmp_path / "cache", "in the way")
    monkeypatch.setenv("POOLSWEEP_CACHE", str(tmp_path / "cache"))
    assert problem(path) == (
        f"the cache {tmp_path}/cache/rows cannot be read or written: Not a directory; "
        f"POOLSWEEP_CACHE={tmp_path}/cache chose that place"
    )


def test_rows_that_were_changed_in_the_cache_are_made_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLSWEEP_CACHE", str(tmp_path / "cache"))
    path = write(tmp_path / "r.csv", "text,label\nhello,yes\nbye,no\n")
    expected = read(path)
    [kept] = (tmp_path / "cache").glob("rows/*/rows.arrow")
    content = kept.read_bytes()
    kept.write_bytes(content.replace(b"yes", b"yep"))
    assert kept.read_bytes() != content
    assert read(path) == expected
