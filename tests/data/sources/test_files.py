"""The user's own files, read as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from poolsweep.data.checks import check
from poolsweep.data.sources.files import Files
from poolsweep.data.splits import Splits
from poolsweep.errors import UserError
from poolsweep.tasks import Classification

AS_TEXT = ["NA", "null", "007", "1e5", "None", "nan", "TRUE", "2024-01-01", "#N/A", "3.10"]


def three(path: Path, **options) -> Splits:
    return Files(train=str(path), validation=str(path), test=str(path), **options).read()


def texts(splits: Splits) -> list[str]:
    return splits.train.column("text").to_pylist()


def problems(*args, **options) -> list[str]:
    with pytest.raises(UserError) as error:
        Files(*args, **options).read()
    return list(error.value.problems)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("ending", ["csv", "tsv", "CSV"])
def test_what_looks_like_numbers_or_missing_values_stays_text(tmp_path, ending: str):
    between = "\t" if ending == "tsv" else ","
    rows = "".join(f"{value}{between}{value}\n" for value in AS_TEXT)
    found = three(write(tmp_path / f"f.{ending}", f"text{between}label\n{rows}"))
    assert texts(found) == AS_TEXT
    assert found.train.column("label").to_pylist() == AS_TEXT


def test_a_numeric_looking_column_keeps_its_zeros(tmp_path):
    found = three(write(tmp_path / "f.csv", "text,label\n007,01\n1,02\n"))
    assert (texts(found), check(found, Classification()).names) == (["007", "1"], ("01", "02"))


def test_jsonl_and_parquet(tmp_path):
    rows = [{"text": "NA", "label": "1", "more": [1]}, {"text": "007", "label": "0", "more": [2]}]
    lines = write(tmp_path / "f.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "f.parquet")
    for path in (lines, tmp_path / "f.parquet"):
        found = three(path)
        assert texts(found) == ["NA", "007"]
        assert found.train.rows.column_names == ["text", "label"]
        assert check(found, Classification()).names == ("0", "1")


def test_integer_labels_of_a_jsonl_become_names(tmp_path):
    path = write(tmp_path / "f.jsonl", "".join(json.dumps({"text": "x", "label": i}) + "\n" for i in (10, 9, 2)))
    assert check(three(path), Classification()).names == ("2", "9", "10")


def test_parquet_with_class_labels_keeps_their_names_and_order(tmp_path):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["zebra", "ant"])})
    Dataset.from_dict({"text": ["x", "y", "z"], "label": [1, 0, 1]}, features=features).to_parquet(
        tmp_path / "f.parquet"
    )
    found = three(tmp_path / "f.parquet")
    assert found.train.column("label").to_pylist() == ["ant", "zebra", "ant"]
    assert check(found, Classification()).names == ("zebra", "ant")


def test_quoted_fields_with_commas_quotes_and_line_breaks(tmp_path):
    path = write(tmp_path / "f.csv", 'text,label\n"a, ""b""\nc",x\nplain,y\n')
    assert texts(three(path)) == ['a, "b"\nc', "plain"]


def test_quotes_in_a_tsv_are_text_unless_said_otherwise(tmp_path):
    path = write(tmp_path / "f.tsv", 'text\tlabel\n"open\tx\nclosed"\ty\n')
    assert texts(three(path)) == ['"open', 'closed"']
    quoted = write(tmp_path / "q.tsv", 'text\tlabel\n"a\tb"\tx\n')
    assert texts(three(quoted, quoted=True)) == ["a\tb"]


@pytest.mark.parametrize("between", [";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_csv_as_spreadsheets_write_it_where_the_comma_is_a_decimal_sign(tmp_path, between: str, mark: str):
    rows = f'{mark}text{between}label\n"1,5 is{between} less than 2"{between}x\nyo, you{between}y\n'
    assert texts(three(write(tmp_path / "f.csv", rows))) == [f"1,5 is{between} less than 2", "yo, you"]


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    path = write(tmp_path / "f.csv", "\ufefftext,label\r\nhé,x\r\nyo,y\r\n".encode())
    assert texts(three(path)) == ["hé", "yo"]


def test_column_names_pairs_and_other_columns(tmp_path):
    path = write(tmp_path / "f.csv", "id,premise,hypothesis,gold\n1,p,h,x\n2,q,i,y\n")
    found = three(path, text="premise", text_pair="hypothesis", label="gold")
    assert found.train.is_pair
    assert found.train.rows[0] == {"text": "p", "label": "x", "text_pair": "h"}


def test_swapped_column_names(tmp_path):
    path = write(tmp_path / "f.csv", "text,label\nx,a\ny,b\n")
    assert texts(three(path, text="label", label="text")) == ["a", "b"]


def test_label_names_can_be_given(tmp_path):
    path = write(tmp_path / "f.csv", "text,label\nx,a\ny,b\n")
    assert check(three(path, labels=["b", "c", "a"]), Classification()).names == ("b", "c", "a")
    path = write(tmp_path / "stars.csv", "text,label\nx,1\ny,0\n")
    assert check(three(path, labels=[1, 0]), Classification()).names == ("1", "0")
    table = pa.table({"text": ["x", "y"], "label": [True, False]})
    pq.write_table(table, tmp_path / "is.parquet")
    assert check(three(tmp_path / "is.parquet", labels=[True, False]), Classification()).names == ("true", "false")


def test_absent_splits_are_split_off_stratified_and_by_their_own_seed(tmp_path):
    rows = "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(200))
    path = write(tmp_path / "f.csv", f"text,label\n{rows}")
    found = Files(train=str(path)).read()
    assert [len(split) for split in found] == [162, 18, 20]
    for split in (found.validation, found.test):
        labels = split.column("label").to_pylist()
        assert labels.count("a") == labels.count("b")
    ids = [set(split.row_ids) for split in found]
    assert set().union(*ids) == set(range(200))
    assert sum(map(len, ids)) == 200
    assert found.notes[0] == f"test: 20 of the 200 rows of {path}, stratified"
    assert set(Files(train=str(path)).read().test.row_ids) == ids[2]
    assert set(Files(train=str(path), split_seed=1).read().test.row_ids) != ids[2]
    assert len(Files(train=str(path), test_fraction=0.3).read().test) == 60


def test_a_given_test_file_is_not_split_off(tmp_path):
    path = write(tmp_path / "f.csv", "text,label\n" + "".join(f"t{i},{'ab'[i % 2]}\n" for i in range(40)))
    found = Files(train=str(path), test=str(path)).read()
    assert [len(split) for split in found] == [36, 4, 40]


def test_missing_files_are_all_named_with_the_nearest(tmp_path):
    write(tmp_path / "train.csv", "text,label\nx,a\n")
    assert problems(train=f"{tmp_path}/trian.csv", test=f"{tmp_path}/tset.tsv") == [
        f"data.train={tmp_path}/trian.csv does not exist; did you mean train.csv?",
        f"data.test={tmp_path}/tset.tsv does not exist; valid: train.csv",
    ]


def test_folders_endings_and_empty_files(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    write(tmp_path / "f.xlsx", "x")
    write(tmp_path / "empty.csv", "")
    assert problems(train=f"{tmp_path}/folder.csv") == [f"data.train={tmp_path}/folder.csv is a folder"]
    assert problems(train=f"{tmp_path}/f.xlsx") == [
        f"data.train={tmp_path}/f.xlsx must end in .csv, .tsv, .jsonl, .json, .parquet"
    ]
    assert problems(train=f"{tmp_path}/empty.csv") == [f"data.train={tmp_path}/empty.csv is empty"]


def test_missing_and_double_columns(tmp_path):
    path = write(tmp_path / "f.csv", "sentence,label,label2\nx,a,b\n")
    assert problems(train=str(path), label="lable") == [
        f"data.train={path} has no column 'text'; valid: label, label2, sentence",
        f"data.train={path} has no column 'lable'; did you mean label or label2?",
    ]
    twice = write(tmp_path / "twice.csv", "text,label,text\nx,a,y\n")
    assert problems(train=str(twice)) == [f"data.train={twice} has the column 'text' more than once"]


@pytest.mark.parametrize("first", ["a, long text,x", '"a, long text",x,'])
def test_a_row_with_more_fields_than_the_header(tmp_path, first: str):
    path = write(tmp_path / "train.csv", f"text,label\n\n{first}\nanother,y\n")
    [problem] = problems(train=str(path))
    assert "row 1 has 3 fields, and the header 2" in problem


def test_one_column_for_two_things(tmp_path):
    path = write(tmp_path / "train.csv", "text,label\na,x\nb,y\n")
    assert problems(train=str(path), label="text") == ["data.text and data.label name the same column 'text'"]


def test_a_missing_label_is_named_with_its_row_where_splits_are_split_off(tmp_path):
    rows = [{"text": f"text {i}", "label": None if i == 7 else "ab"[i % 2]} for i in range(30)]
    path = write(tmp_path / "train.jsonl", "\n".join(map(json.dumps, rows)))
    with pytest.raises(UserError) as error:
        check(Files(train=str(path)).read(), Classification())
    [problem] = error.value.problems
    assert "empty label in row 8" in problem


def test_a_file_that_is_not_utf8(tmp_path):
    path = write(tmp_path / "f.csv", "text,label\ncaf\u00e9,a\n".encode("latin-1"))
    [problem] = problems(train=str(path))
    assert problem.startswith(f"data.train={path} ")
    assert "utf-8" in problem.lower()


def test_a_parquet_and_a_jsonl_that_are_none(tmp_path):
    for name in ("f.parquet", "f.jsonl"):
        path = write(tmp_path / name, "not what it says\n")
        [problem] = problems(train=str(path))
        assert problem.startswith((f"data.train={path} cannot be read: ", f"data.train={path}: line 1 is not JSON"))


def test_a_column_of_lists_is_no_text(tmp_path):
    path = write(tmp_path / "f.jsonl", '{"text": ["a"], "label": "x"}\n{"text": ["b"], "label": "y"}\n')
    [problem] = problems(train=str(path))
    assert "column 'text' must hold text" in problem


def test_a_header_alone_is_an_empty_split(tmp_path):
    path = write(tmp_path / "f.csv", "text,label\n")
    assert problems(train=str(path)) == [f"data.train={path} has no rows"]
