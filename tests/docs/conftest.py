"""What the commands of README and docs read: files, models and studies, small but real."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from checkout import ROOT
from pages import blocks, commands
from studies import write_study

from poolsweep.cli import main

_SCORES = ("0.5", "1.5", "2", "3.5", "4.25", "5")


def _write(path: Path, header: str, rows: Sequence[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *rows])


def _write_files(place: Path) -> None:
    """One file for each name that the pages give to data of the reader's."""
    words = {"ABBR": "meow", "DESC": "woof", "ENTY": "huhu", "HUM": "wau", "LOC": "miau", "NUM": "quak"}
    rows = [(f"{words[label]} {'x' * (i % 5)} {i}", label) for i in range(42) for label in words]
    for name in ("train.csv", "cases.csv", "new.csv", "texts.csv", "votes.csv", "questions.csv", "new_questions.csv"):
        _write(place / name, "text,label", rows[:90])
    for split, label, i in itertools.product(("train", "validation", "test"), ("yes", "no"), range(6)):
        path = place / "reviews" / split / label / f"{i}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{label} {split} {i}", encoding="utf-8")
    _write(place / "reviews.csv", "text,label,review,stars", [(text, label, text, label) for text, label in rows])
    _write(place / "by_author.csv", "text,label,author", [(*row, i // 6) for i, row in enumerate(rows[:84])])
    _write(place / "mrpc.csv", "text,text_pair,label", [(text, f"and {text}", label) for text, label in rows[:60]])
    _write(place / "goemotions" / "train.csv", "text,label", [(t, f"joy|{n}" if i % 3 else n) for i, (t, n) in
                                                              enumerate(rows[:60])])  # fmt: skip
    for name in ("stsb.csv", *(f"stsb/{split}.csv" for split in ("train", "validation", "test"))):
        pairs = [(text, f"{name} {text}", _SCORES[i % 6]) for i, (text, _) in enumerate(rows[:60])]
        _write(place / name, "text,text_pair,label", pairs)
    table = pyarrow.csv.read_csv(place / "new.csv").rename_columns(["text", "category"])
    pq.write_table(table.set_column(1, "category", table["category"].cast("string")), place / "new.parquet")
    [points] = [b.text for b in blocks(ROOT / "docs" / "sweeps.md") if b.text.startswith("# points.yaml")]
    (place / "points.yaml").write_text(points, encoding="utf-8")


def _write_package(place: Path) -> None:
    """``my_package``, which pages name for code of the reader's own."""
    (place / "my_package.py").write_text(
        "from torchmetrics.classification import MulticlassAccuracy\n"
        "from poolsweep.pooling.tokens.mean import Mean\n"
        "class MyPooling(Mean):\n    def __init__(self, *, input_size, include_special=True, width=1):\n"
        "        super().__init__(input_size=input_size, include_special=include_special)\n"
        "class Gain(MulticlassAccuracy):\n    def __init__(self):\n        super().__init__(num_classes=3)\n"
    )


def _write_shipped(folder: Path) -> None:
    """A folder of sentence-transformers with a prompt, as the library writes it."""
    from poolsweep.encoder.tiny import tiny

    loaded = tiny()
    loaded.encoder.model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    kind = "sentence_transformers.models"
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": f"{kind}.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{kind}.Pooling"},
    ]
    (folder / "1_Pooling").mkdir()
    for name, content in {
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": 64, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": {"query": "query: "}, "default_prompt_name": None},
        "1_Pooling/config.json": {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True},
    }.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")


def _first_study() -> list[str]:
    """The first command that trains, of the page that newcomers follow."""
    page = ROOT / "docs" / "first_study.md"
    typed = (command for block in blocks(page) if block.is_shell for command in commands(block))
    return list(next(command.parts[0][1][1:] for command in typed if " train " in command.typed))


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: data, code and models, and in ``outputs`` the studies that the pages speak of.

    ``questions`` is what the page on a first study trains, on a tiny encoder; ``demo`` and ``reviews`` are copies, and
    the others are made of numbers.
    """
    place = tmp_path_factory.mktemp("reader")
    _write_files(place)
    _write_package(place)
    _write_shipped(place / "FOLDER")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POOLSWEEP_OUTPUTS", "outputs")
        patch.chdir(place)
        patch.setenv("COLUMNS", "200")
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
            assert main([*_first_study(), "encoder=tiny", "trainer.accelerator=cpu", "trainer.penalties=[0.01]"]) == 0
        (place / "printed.txt").write_text(said.getvalue(), encoding="utf-8")
    for name in ("demo", "reviews"):
        shutil.copytree(place / "outputs" / "questions", place / "outputs" / name)
    for name in ("lab", "default", "STUDY"):
        write_study(place / "outputs" / name, encoder="minilm", poolings=("cls", "max"), num_texts=60)
        (place / "outputs" / name / "wandb" / "offline-run-1-id").mkdir(parents=True)
        (place / "outputs" / name / "wandb" / "offline-run-1-id" / "run-id.wandb").touch()
    write_study(place / "outputs" / "STUDY", encoder="bert_base", poolings=("cls", "max"), num_texts=60)
    return place


@pytest.fixture
def place(reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the reader's folder, where the test types its commands."""
    folder = Path(shutil.copytree(reader, tmp_path / reader.name))  # which names the data set
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("POOLSWEEP_OUTPUTS", "outputs")
    monkeypatch.setenv("POOLSWEEP_CACHE", str(reader / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder
