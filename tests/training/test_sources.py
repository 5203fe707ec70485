"""What identifies a data set is its content, whoever wrote its source."""

from __future__ import annotations

import json

import pytest

from poolsweep.config import Node
from poolsweep.report.results import load_runs
from poolsweep.tasks import Classification
from poolsweep.training.sources import data_content, data_identity, forget_data, load_data

SOURCE = """
import csv
from pathlib import Path

import numpy as np
from datasets import Dataset

from poolsweep.data import Split, Splits
from poolsweep.data.source import Source

CALLS = []


def rows(*, path, shift=0):
    CALLS.append(path)
    found = list(csv.DictReader(Path(path).read_text().splitlines()))
    def part(name, place):
        chosen = [row for i, row in enumerate(found) if (i + shift) % 3 == place]
        ids = [i for i in range(len(found)) if (i + shift) % 3 == place]
        return Split(name, path, Dataset.from_list(chosen), np.array(ids))
    return Splits(*(part(name, place) for place, name in enumerate(("train", "validation", "test"))))


class Rows(Source):
    found_by = ("path",)

    def __init__(self, *, path: str) -> None:
        self.path = path

    def read(self):
        return rows(path=self.path)


def nothing():
    return 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch, write_csv):
    """The node of a data source of one's own, and its file."""
    (tmp_path / "own_source.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    path = write_csv(tmp_path / "reviews.csv", [(f"text {i}", "yes" if i % 2 else "no") for i in range(30)])
    forget_data()
    return {"_target_": "own_source.rows", "path": str(path)}, path


def content_of(node: dict) -> dict:
    forget_data()
    return data_content(Node(node), trusted=["own_source"])


def test_an_edited_file_behind_a_source_of_ones_own_is_another_content(own):
    node, path = own
    first = content_of(node)
    assert content_of(node) == first
    path.write_text(path.read_text().replace("text 7", "text 77"))
    assert content_of(node)["_content"] != first["_content"]


def test_a_source_may_say_which_keys_only_find_the_content(own, tmp_path):
    node, path = own
    moved = tmp_path / "moved.csv"
    moved.write_text(path.read_text())
    assert content_of(node)["path"] != content_of({**node, "path": str(moved)})["path"]
    as_class = {**node, "_target_": "own_source.Rows"}
    assert content_of(as_class) == content_of({**as_class, "path": str(moved)})


def test_another_split_is_another_run_on_the_same_data(own):
    node, _ = own
    found = []
    for shift in (0, 1):
        splits, _ = load_data(Node({**node, "shift": shift}), Classification())
        found.append((splits.fingerprint, data_identity(Node(node), splits)["data_id"]))
    assert found[0][0] != found[1][0]
    assert found[0][1] == found[1][1]


def test_a_source_of_ones_own_is_run_anew_when_its_file_was_edited(cli, tiny_run, own, outputs):
    _, path = own
    typed = [*(one for one in tiny_run if not one.startswith("data=")), "data=icd10", "~data.split_seed"]
    typed = [one for one in typed if not one.startswith("data.train")]
    typed += ["trusted=[own_source]", "data._target_=own_source.rows", f"+data.path={path}", "encoder.frozen=true"]
    assert cli("train", *typed).status == 0
    assert "finished before" in cli("train", *typed).err
    path.write_text(path.read_text().replace("text 7", "text 77"))
    again = cli("train", *typed)
    assert "finished before" not in again.err
    runs = load_runs([outputs / "default"])
    assert len(runs) == 2
    found = [run.facts.get("outdated") for run in sorted(runs, key=lambda run: str(run.facts["started"]))]
    assert found == ["data", None], "the report leaves out the run on what the file held before"
    assert json.loads((runs[0].path / "result.json").read_text())["data_place"] == [str(path)]


def test_a_source_that_gives_no_splits_is_refused(cli, tiny_run, own):
    typed = [one for one in tiny_run if not one.startswith(("data=", "data.train"))]
    done = cli(
        "train", *typed, "data=icd10", "~data.split_seed", "trusted=[own_source]", "data._target_=own_source.nothing"
    )
    assert done.status == 2
    assert done.problems == ["data._target_=own_source.nothing must give a Source or Splits, got int"]
