"""The verb: what it prints, what it refuses, and that nothing unproven is left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from poolsweep.export import proof
from poolsweep.predict.load import load_model


@pytest.fixture
def run(tuned, tmp_path: Path) -> Path:
    """A run that a test may change."""
    return Path(shutil.copytree(tuned["masked_mean"], tmp_path / "run"))


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in {"run", "outputs"})


@pytest.mark.parametrize("to", ["torch", "transformers"])
def test_an_export_is_proven_in_a_process_of_its_own(cli, run, tmp_path, to: str):
    done = cli("export", str(run), "--to", to, "--output", str(tmp_path / "exported"))
    assert done.status == 0, done.err
    said, proven, recorded = done.out.splitlines()
    assert said == f"{tmp_path / 'exported'}: {to}, made of {run}"
    assert proven.startswith("proven by its probabilities on 6 test rows, in a process without poolsweep: largest diff")
    assert proven.endswith("100.00% of labels equal")
    assert "100.00% of labels equal" in recorded
    assert left_in(tmp_path) == ["exported"]
    again = cli("export", str(run), "--to", to, "--output", str(tmp_path / "exported"))
    assert again.status == 2
    assert "is not empty" in again.err
    twice = cli("export", str(tmp_path / "exported"), "--to", to, "--output", str(tmp_path / "twice"))
    assert twice.status == 2
    assert "is an export already" in twice.err


def test_what_is_not_equal_is_removed(cli, run, tmp_path, monkeypatch):
    (tmp_path / "exported").mkdir()
    monkeypatch.setattr(proof, "run_exported", lambda *given, **options: np.full((6, 3), 1 / 3, dtype=np.float32))
    done = cli("export", str(run), "--to", "torch", "--output", str(tmp_path / "exported"))
    assert done.status == 1
    assert "the export to torch is removed: its probabilities differ from poolsweep's by up to" in done.err
    assert left_in(tmp_path) == ["exported"]
    assert not any((tmp_path / "exported").iterdir())


def test_a_model_that_cannot_be_loaded_is_removed(cli, run, tmp_path, monkeypatch):
    from poolsweep.export.formats import code

    monkeypatch.setattr(code, "_FUTURE", "no such text")  # so that the imports of the model are missing
    done = cli("export", str(run), "--to", "torch", "--output", str(tmp_path / "exported"))
    assert done.status == 1
    assert "it cannot be run without poolsweep: " in done.err
    assert left_in(tmp_path) == []


def test_rows_that_changed_are_asked_for(cli, run, tmp_path, animals, monkeypatch):
    monkeypatch.setattr(proof, "run_exported", lambda *given, **options: None)
    config = yaml.safe_load((run / "config.yaml").read_text())
    for content in (None, animals.read_text().replace("meow", "miau")):
        other = tmp_path / "other.csv"
        if content is not None:
            other.write_text(content)
        config["data"]["train"] = str(other)
        (run / "config.yaml").write_text(yaml.safe_dump(config))
        _vouch(run)
        done = cli("export", str(run), "--to", "torch", "--output", str(tmp_path / "exported"))
        assert done.status == 2
        assert "--proof FILE" in done.err
        assert ("cannot be read again" if content is None else "has changed") in done.err
    assert left_in(tmp_path) == ["other.csv"]


def test_rows_of_a_file_need_no_labels(cli, run, tmp_path):
    rows, exported = str(tmp_path / "rows.csv"), str(tmp_path / "exported")
    (tmp_path / "rows.csv").write_text('text\nmeow\n"woof, woof"\n')
    done = cli("export", str(run), "--to", "torch", "--output", exported, "--proof", rows)
    assert done.status == 0, done.err
    assert f"on 2 rows of {tmp_path / 'rows.csv'}" in done.out.splitlines()[1]
    (tmp_path / "rows.csv").write_text("words\nmeow\n")
    refused = cli("export", str(run), "--to", "torch", "--output", f"{exported}-2", "--proof", rows)
    assert refused.status == 2
    assert "has no column 'text'" in refused.err


def test_what_cannot_be_asked_for(cli, run, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").write_text("")
    for to, output, why in (
        ("tensorflow", "x", "--to=tensorflow is no format"),
        ("torch", "link", "is a link"),
        ("torch", "file", "is a file"),
        ("torch", "run", "is not empty"),
    ):
        done = cli("export", str(run), "--to", to, "--output", str(tmp_path / output))
        assert done.status == 2
        assert why in done.err
    done = cli("export", str(run), "--to", "torch", "--int8", "--output", str(tmp_path / "x"))
    assert done.status == 2
    assert "--int8 goes with --to onnx" in done.err
    assert left_in(tmp_path) == ["file", "link"]


def _vouch(run: Path) -> None:
    from poolsweep.runs.records import fingerprints, write_result

    record = json.loads((run / "result.json").read_text())
    write_result(run, record | {"files": fingerprints(run)})


def test_labels_with_escapes_come_through_as_they_are(cli, run, tmp_path):
    evil = {"\x1b[2Jcat": 0, "<script>alert(1)</script>": 1, 'owl"\n"""import os': 2}
    (run / "labels.json").write_text(json.dumps(evil))
    _vouch(run)
    rows, exported = str(tmp_path / "rows.csv"), str(tmp_path / "exported")
    (tmp_path / "rows.csv").write_text("text\nmeow\n")
    done = cli("export", str(run), "--to", "torch", "--output", exported, "--proof", rows)
    assert done.status == 0, done.err
    assert "\x1b" not in done.out + done.err
    assert load_model(tmp_path / "exported", device="cpu").contract.names == tuple(evil)
