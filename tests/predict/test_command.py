"""``poolsweep predict`` and ``encode``: rows in, rows out, in every format."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poolsweep.cli import main
from poolsweep.encoder.tiny import tiny
from poolsweep.predict.command import RowOptions, predict_rows
from poolsweep.predict.load import load_model
from poolsweep.predict.rows import window
from poolsweep.terminal.console import Console

from .conftest import folders_of

ROWS = [
    {"id": "007", "text": "meow xx", "note": "=1+2"},
    {"id": "8", "text": 'woof, "woof" 2', "note": "a\nb"},
    {"id": "9", "text": "huhu é", "note": ""},
    {"id": "x", "text": "x " * 300, "note": "\x1b[31m"},
]


@pytest.fixture
def run(studies: Path) -> Path:
    return folders_of(studies / "probe", "last4_concat")[0]


@pytest.fixture
def source(tmp_path: Path):
    """Writes ``ROWS`` in a format."""

    def write(ending: str, rows=ROWS) -> Path:
        path = tmp_path / f"rows.{ending}"
        if ending in {"csv", "tsv"}:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]), delimiter="," if ending == "csv" else "\t")
                writer.writeheader()
                writer.writerows(rows)
        elif ending == "jsonl":
            path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        elif ending == "json":
            path.write_text(json.dumps(rows, indent=2))
        else:
            pq.write_table(pa.Table.from_pylist(rows), path)
        return path

    return write


def read(path: Path) -> list[dict]:
    """Rows of an output, by other means than ours."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("output", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("given", ["csv", "tsv", "jsonl", "json", "parquet"])
def test_every_format_keeps_its_columns_and_gets_the_models_answers(cli, run, source, tmp_path, given, output):
    rows = [{**row, "note": row["note"].replace("\n", " ")} for row in ROWS] if given == "tsv" else ROWS
    quoted = ["--quoted", "true"] if given == "tsv" else []
    path, model = tmp_path / f"out.{output}", load_model(run, device="cpu")
    done = cli(
        "predict", str(run), "--input", str(source(given, rows)), "--output", str(path), "--probabilities", *quoted
    )
    assert done.status == 0, done.err
    wanted = model.predict([row["text"] for row in rows]).values
    found = read(path)
    assert [{key: row[key] for key in ROWS[0]} for row in found] == rows
    for row, values in zip(found, wanted, strict=True):
        assert list(row)[3:] == ["predicted", "probability", *(f"probability_{name}" for name in ("cat", "dog", "owl"))]
        assert row["predicted"] == model.contract.names[values.argmax()]
        numbers = [float(row[key]) for key in list(row)[4:]]
        np.testing.assert_allclose(numbers, [values.max(), *values], atol=1e-6)
    assert "25.0% of the rows (1) were cut to 128 tokens" in done.err


def test_types_and_spellings_of_the_input_stay(cli, run, source, tmp_path):
    lines = [
        '{"text": "meow", "n": 1.50, "deep": {"a": [1e3]}, "big": 12345678901234567890}',
        "{ }",
        '{"text":"woof","more":null}',
    ]
    given = tmp_path / "odd.jsonl"
    given.write_text("\n".join(lines))
    out = tmp_path / "out.jsonl"
    done = cli("predict", str(run), "--input", str(given), "--output", str(out), "--on-error", "skip")
    assert done.status == 0
    assert "left out 1 row: row 2: line 2 has no 'text'; none is valid here" in done.err
    first, second = out.read_text().splitlines()
    assert first.startswith(lines[0][:-1] + ', "predicted": ')
    assert second.startswith('{"text":"woof","more":null, "predicted": ')
    given.write_text("\n".join([lines[0], lines[2]]))
    for ending in ("csv", "parquet"):
        assert cli("predict", str(run), "--input", str(given), "--output", str(tmp_path / f"o.{ending}")).status == 0
    [one, two] = read(tmp_path / "o.csv")
    assert (one["n"], one["deep"], one["big"], two["n"], two["more"]) == (
        "1.5", '{"a": [1000.0]}', "1.2345678901234567e+19", "", ""
    )  # fmt: skip
    kept = {name: str(kind) for name, kind in zip(*_schema(tmp_path / "o.parquet"), strict=True)}
    assert kept == {"text": "string", "n": "double", "deep": "string", "big": "double", "more": "string",
                    "predicted": "string", "probability": "float"}  # fmt: skip
    frame = pd.DataFrame({"text": pd.Categorical(["meow", "woof"]), "when": pd.to_datetime(["2020-01-01", None]),
                          "score": [1.5, float("nan")], "tags": [["a"], []], "raw": [b"\xff", b"x"]})  # fmt: skip
    frame.to_parquet(tmp_path / "typed.parquet")
    for ending in ("csv", "jsonl", "parquet"):
        given = str(tmp_path / "typed.parquet")
        assert cli("predict", str(run), "--input", given, "--output", str(tmp_path / f"t.{ending}")).status == 0
    back = pd.read_parquet(tmp_path / "t.parquet")
    assert back["when"].dtype == frame["when"].dtype
    assert [list(tags) for tags in back["tags"]] == [["a"], []]
    assert read(tmp_path / "t.jsonl")[1]["score"] is None
    assert read(tmp_path / "t.jsonl")[0]["tags"] == ["a"]
    assert read(tmp_path / "t.csv")[0]["tags"] == '["a"]'


def _schema(path: Path) -> tuple[list[str], list[pa.DataType]]:
    schema = pq.read_schema(path)
    return schema.names, schema.types


def test_lines_come_out_as_they_are(run, monkeypatch, capsys):
    out = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"meow\r\n=x\x1b[31m\nwoof")))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out))
    assert main(["predict", str(run), "--input", "-"]) == 0
    assert [row["text"] for row in csv.DictReader(io.StringIO(out.getvalue().decode()))] == [
        "meow",
        "=x\x1b[31m",
        "woof",
    ]
    assert "3 rows in" in capsys.readouterr().err


def test_a_terminal_gets_no_control_characters(run, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"=x\x1b[31m")))
    monkeypatch.setattr("sys.stdout", shown)
    assert main(["predict", str(run), "--input", "-"]) == 0
    assert "=x\\x1b[31m,dog," in shown.getvalue().replace(",cat,", ",dog,").replace(",owl,", ",dog,")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_row_without_a_text_ends_it_or_is_left_out(cli, run, source, tmp_path, ending):
    rows = [{"text": "meow", "id": "1"}, {"text": " ", "id": "2"}, {"text": "woof", "id": "3"}]
    given, out = source(ending, rows), tmp_path / "out.csv"
    done = cli("predict", str(run), "--input", str(given), "--output", str(out))
    assert done.status == 2
    assert done.problems == [f"--input={given}: row 2: column 'text' is empty; --on-error skip leaves such rows out"]
    assert not out.exists()
    done = cli("predict", str(run), "--input", str(given), "--output", str(out), "--on-error", "skip")
    assert done.status == 0
    assert "left out 1 row: row 2: column 'text' is empty" in done.err
    assert [row["id"] for row in read(out)] == ["1", "3"]


def test_rows_that_are_no_rows(cli, run, tmp_path):
    given = tmp_path / "bad.csv"
    given.write_text("id,text\n1,meow\n2,woof,more\n3,huhu\n")
    done = cli("predict", str(run), "--input", str(given))
    assert done.problems[-1].startswith(f"--input={given}: row 2: has 3 fields, and the header 2; ")
    done = cli("predict", str(run), "--input", str(given), "--on-error", "skip", "--output", str(tmp_path / "o.csv"))
    assert [row["id"] for row in read(tmp_path / "o.csv")] == ["1", "3"]
    given = tmp_path / "bad.jsonl"
    given.write_text('{"text": "meow"}\n{oops\n{"text": ["x"]}\n{"text": "a", "text": "b"}\n{"text": "woof"}\n')
    done = cli("predict", str(run), "--input", str(given), "--on-error", "skip", "--output", str(tmp_path / "p.csv"))
    assert done.status == 0
    assert "left out 3 rows: row 2: line 2 is not JSON" in done.err
    assert [row["text"] for row in read(tmp_path / "p.csv")] == ["meow", "woof"]


def test_new_columns_take_no_name_that_is_taken(cli, run, source, tmp_path):
    out = tmp_path / "twice.csv"
    assert cli("predict", str(run), "--input", str(source("csv")), "--output", str(out)).status == 0
    for ending in ("csv", "jsonl"):
        given, again = out, tmp_path / f"again.{ending}"
        if ending == "jsonl":
            given = tmp_path / "given.jsonl"
            assert cli("predict", str(run), "--input", str(source("csv")), "--output", str(given)).status == 0
        done = cli("predict", str(run), "--input", str(given), "--output", str(again))
        assert done.status == 2
        assert "--prefix puts something before the names of new" in done.err
        assert cli("predict", str(run), "--input", str(given), "--output", str(again), "--prefix", "b_").status == 0
        assert list(read(again)[0])[-2:] == ["b_predicted", "b_probability"]


def test_what_cannot_be_is_said_in_a_line(cli, run, source, studies, tmp_path):
    given = str(source("csv"))
    (tmp_path / "mine.csv").write_text("mine")
    for arguments, said in (
        (["--output", str(tmp_path / "o.txt")], "must end in .csv or .jsonl or .parquet"),
        (["--output", given], "is the input itself"),
        (["--output", str(tmp_path / "mine.csv")], "exists, and was not written by this command; choose another name"),
        (["--text", "txt"], "has no column 'txt'; did you mean text?"),
        (["--text-pair", "id"], "the model reads single texts"),
        (["--device", "cuda:77"], "device cuda:77 cannot be used here"),
    ):
        done = cli("predict", str(run), "--input", given, *arguments)
        assert done.status == 2
        assert said in done.err
        assert "Traceback" not in done.err
    assert (tmp_path / "mine.csv").read_text() == "mine"
    done = cli("predict", str(run), "--input", "nowhere.csv")
    assert "--input=nowhere.csv does not exist" in done.err
    done = cli("encode", f"{studies / 'probe'}:cls", "--input", given, "--output", str(tmp_path / "v.npy"))
    assert done.status == 2
    assert "has 2 replicates; poolsweep refit" in done.err


def test_typed_again_it_is_finished_until_something_changes(cli, run, studies, source, tmp_path):
    given, out = source("csv"), tmp_path / "out.csv"
    command = ["predict", str(run), "--input", str(given), "--output", str(out)]
    assert cli(*command).status == 0
    first = out.read_bytes()
    assert "is finished: 4 rows" in cli(*command).err
    assert "the options changed since" in cli(*command, "--probabilities").err
    assert "the options changed since" in cli(*command).err
    assert out.read_bytes() == first
    other = folders_of(studies / "tuned", "cls")[0]
    assert "the model changed since" in cli("predict", str(other), *command[2:]).err
    given.write_text(given.read_text().replace("007", "700"))
    assert "the model and the input changed since" in cli(*command).err
    assert read(out)[0]["id"] == "700"
    out.write_text("edited")
    assert "was changed since it was written" in cli(*command).err
    assert {path.name for path in tmp_path.iterdir()} == {"rows.csv", "out.csv", ".out.csv.made-from.json"}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "npy"])
def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(cli, run, tmp_path, monkeypatch, ending):
    """Interrupted in this process: behind the third window, before and behind the last rename."""
    monkeypatch.setattr(window, "ROWS", 5)
    given = tmp_path / "in.csv"
    given.write_text("id,text\n" + "".join(f"{i},{'meow ' * (i % 9 + 1)}\n" if i % 7 else f"{i},\n" for i in range(40)))
    verb = "encode" if ending == "npy" else "predict"
    skip = [] if ending == "npy" else ["--on-error", "skip"]
    if ending == "npy":
        given.write_text(given.read_text().replace(",\n", ",x\n"))
    command = [verb, str(run), "--input", str(given), *skip, "--output"]
    whole, cut = tmp_path / f"whole.{ending}", tmp_path / f"cut.{ending}"
    assert cli(*command, str(whole)).status == 0
    with monkeypatch.context() as broken:
        broken.setattr("poolsweep.predict.output.part._SECONDS_BETWEEN", 0.0)
        counted = iter(range(3))
        answered = load_model.__globals__["RunModel"]._run
        broken.setattr(
            "poolsweep.predict.run_model.RunModel._run",
            lambda self, *given: answered(self, *given) if not given[1] or next(counted, None) is not None else 1 / 0,
        )
        with pytest.raises(ZeroDivisionError):
            cli(*command, str(cut))
    assert cut.with_name(f"{cut.name}.part").stat().st_size > 0
    done = cli(*command, str(cut))
    assert f"{cut} goes on after row 15" in done.err
    assert cut.read_bytes() == whole.read_bytes()
    if skip:
        assert "left out 6 rows" in done.err


def test_killed_while_it_writes_it_gives_the_same_file(cli, run, tmp_path, monkeypatch):
    monkeypatch.setattr(window, "ROWS", 64)
    given, out, whole = (tmp_path / name for name in ("in.csv", "out.csv", "whole.csv"))
    given.write_text("text\n" + "".join(f"{'meow woof ' * (i % 9 + 1)}{i}\n" for i in range(4000)))
    command = ["predict", str(run), "--input", str(given), "--output"]
    record = tmp_path / ".out.csv.made-from.json"
    for _ in range(3):
        before = json.loads(record.read_text())["rows"] if record.exists() else 0
        child = os.fork()
        if not child:
            monkeypatch.setattr("poolsweep.predict.output.part._SECONDS_BETWEEN", 0.05)
            os._exit(main([*command, str(out)]))
        while not record.exists() or json.loads(record.read_text())["rows"] <= before:
            time.sleep(0.005)
        os.kill(child, signal.SIGKILL)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL, "premise: it was killed before it ended"
    assert not out.exists()
    assert "goes on after row" in cli(*command, str(out)).err
    assert cli(*command, str(whole)).status == 0
    assert out.read_bytes() == whole.read_bytes()


def test_a_name_that_was_not_given_yet_is_given(cli, run, source, tmp_path):
    """Killed between the record that the output is whole and its name."""
    out = tmp_path / "out.csv"
    command = ["predict", str(run), "--input", str(source("csv")), "--output", str(out)]
    assert cli(*command).status == 0
    wanted = out.read_bytes()
    out.rename(tmp_path / "out.csv.part")
    assert "is finished: 4 rows" in cli(*command).err
    assert out.read_bytes() == wanted


def test_vectors_of_a_run(cli, run, source, tmp_path):
    wanted = load_model(run, device="cpu").encode([row["text"] for row in ROWS]).values
    for ending in ("npy", "parquet"):
        out = tmp_path / f"v.{ending}"
        assert cli("encode", str(run), "--input", str(source("csv")), "--output", str(out)).status == 0
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, wanted)
    table = pq.read_table(tmp_path / "v.parquet")
    assert table.column_names == ["id", "text", "note", "vector"]
    np.testing.assert_array_equal(np.stack(table["vector"].to_numpy()), wanted)
    done = cli("encode", str(run), "--input", "x", "--output", str(tmp_path / "v.npy"), "--on-error", "skip")
    assert "row i of it must be row i of the input" in done.err


def test_vectors_of_an_encoder_without_training(cli, source, tmp_path):
    """Against transformers' own model and a mean by hand."""
    import torch

    loaded = tiny()
    loaded.encoder.eval()
    out = tmp_path / "v.npy"
    command = ["encode", "--encoder", "tiny", "--input", str(source("csv")), "--output", str(out)]
    assert cli(*command, "--pooling", "masked_mean").status == 0
    batch = loaded.tokenizer(
        [row["text"] for row in ROWS], padding=True, truncation=True, max_length=128, return_tensors="pt"
    )
    with torch.inference_mode():
        hidden = loaded.encoder.model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    np.testing.assert_allclose(np.load(out), ((hidden * mask).sum(1) / mask.sum(1)).numpy(), atol=1e-5)
    out.unlink()
    assert "has weights to learn: train it first" in cli(*command, "--pooling", "self_attentive").err
    assert "did you mean masked_mean" in cli(*command, "--pooling", "maskedmean").err
    assert "at most the encoder's 128 tokens" in cli(*command, "--pooling", "cls", "--max-length", "999").err
    assert cli(*command, "--pooling", "cls", "--max-length", "5").status == 0
    assert "--encoder and --pooling go together" in cli(*command).err
    assert "give MODEL, or --encoder" in cli("encode", *command[3:]).err


def test_pairs(cli, tmp_path, tiny_run, write_csv):
    pairs = [
        (f"{sound} {i}", f"x {sound[0]}", name) for i in range(21) for sound, name in (("meow", "cat"), ("woof", "dog"))
    ]
    data = write_csv(tmp_path / "pairs.csv", pairs, header=("text", "other", "label"))
    given = [one for one in tiny_run if not one.startswith("data.train=")]
    assert cli("train", *given, f"data.train={data}", "data.text_pair=other", "pooling=cls", "study=pairs").status == 0
    run = str(next(path for path in (tmp_path / "outputs" / "pairs").iterdir() if (path / "result.json").exists()))
    out = tmp_path / "out.csv"
    assert cli("predict", run, "--input", str(data), "--output", str(out)).status == 0
    wanted = load_model(run, device="cpu").predict([one for one, *_ in pairs], [two for _, two, _ in pairs]).values
    np.testing.assert_allclose([float(row["probability"]) for row in read(out)], wanted.max(axis=1), atol=1e-6)
    assert "give a file with 'other'" in cli("predict", run, "--input", "-").err


def test_a_strangers_folder_runs_no_code(cli, run, source, tmp_path):
    copied = tmp_path / "stranger"
    shutil.copytree(run, copied)
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace("poolsweep.head.linear.Linear", "os.system"))
    for verb, out in (("predict", "o.csv"), ("encode", "o.npy")):
        done = cli(verb, str(copied), "--input", str(source("csv")), "--output", str(tmp_path / out))
        assert done.status == 2
        assert not (tmp_path / out).exists()
        assert "Traceback" not in done.err


def test_commands_of_the_page(cli, studies, tmp_path, monkeypatch):
    """Every command of docs/predict.md, on a study called demo."""
    page = (Path(__file__).parents[2] / "docs" / "predict.md").read_text(encoding="utf-8")
    commands = [shlex.split(line) for line in page.splitlines() if line.startswith("    poolsweep ")]
    assert [words[1] for words in commands] == ["predict", "refit", "encode", "encode"], "premise: the page's commands"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POOLSWEEP_OUTPUTS", "outputs")
    shutil.copytree(studies / "probe", tmp_path / "outputs" / "demo")
    (tmp_path / "new.csv").write_text("text\nmeow\nwoof\n")
    said = []
    for words in commands:
        done = cli(*words[1:])
        assert done.status == 0, done.err
        said.append(done.err)
    assert "its 2 replicates are used together" in said[0]
    assert "test/accuracy 1.0000 together, 1.0000 on average for one of the 2 runs" in said[0]
    assert "its refit" in said[2]
    assert np.load("vectors.npy").shape == (2, 384)
    assert len(read(Path("vectors.parquet"))[0]["vector"]) in {32, 128}


def test_a_terminal_sees_how_far_it_is(run, tmp_path, monkeypatch):
    monkeypatch.setattr(window, "ROWS", 5)
    given = tmp_path / "in.csv"
    given.write_text("text\n" + "meow\n" * 20)
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=120)
    task = RowOptions(input=str(given), output=tmp_path / "out.csv")
    predict_rows(load_model(run, device="cpu"), task, all_outputs=False, console=console)
    assert re.search(r"20 rows, [\d,]+ rows/s, 0:00:00 left", shown.getvalue())
