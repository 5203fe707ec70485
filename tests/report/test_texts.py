"""Test texts are read again from where the config says, and only if they are still the same."""

from __future__ import annotations

import json

import numpy as np
import pytest

from poolsweep.report.predicted import Predicted
from poolsweep.report.results import RunRecord
from poolsweep.report.texts import read_texts
from poolsweep.tasks import Classification
from poolsweep.tasks.labels import Labels

SOURCE = "poolsweep.data.sources.files.Files"


@pytest.fixture
def asked(tmp_path, write_csv):
    rows = [("a first", "no"), ("a second", "yes"), ("a third", "no")]

    def ask(*, target: str = SOURCE, labels=(0, 1, 0), row_ids=(0, 1, 2), pair: bool = False, **changed):
        train = write_csv(tmp_path / "train.csv", [(f"text {i}", "yes" if i % 2 else "no") for i in range(20)])
        if pair:
            header = ("text", "more", "label")
            train = write_csv(tmp_path / "train.csv", [(f"t {i}", "m", "yes" if i % 2 else "no") for i in range(20)],
                              header=header)  # fmt: skip
            test = write_csv(tmp_path / "test.csv", [(text, "and more", label) for text, label in rows], header=header)
        else:
            test = write_csv(tmp_path / "test.csv", rows)
        data = {"_target_": target, "train": str(train), "test": str(test), "batch_size": 4, **changed}
        data |= {"text_pair": "more"} if pair else {}
        (tmp_path / "config.yaml").write_text(json.dumps({"data": data}))
        ids = np.array(labels)
        predicted = Predicted(ids, ids, None, np.array(row_ids), Classification(), Labels(("no", "yes")), None, None)
        return read_texts(RunRecord(tmp_path, {}), predicted)

    return ask


def test_texts_come_in_the_order_of_the_predictions(asked):
    found = asked()
    assert (found.texts, found.reason) == (("a first", "a second", "a third"), "")


def test_pairs_are_joined(asked):
    assert asked(pair=True).texts == ("a first ⟂ and more", "a second ⟂ and more", "a third ⟂ and more")


@pytest.mark.parametrize("changed", [{"labels": (0, 1, 1)}, {"row_ids": (0, 1, 5)}])
def test_data_that_changed_are_not_shown(asked, changed):
    found = asked(**changed)
    assert found.texts is None
    assert found.reason.startswith("the data have changed since")


def test_a_file_that_is_gone_is_named(asked):
    found = asked(train="nowhere/train.csv")
    assert found.texts is None
    assert "nowhere/train.csv" in found.reason


@pytest.mark.parametrize("target", ["os.system", "my_package.data", "poolsweep.data.sources.files.csv"])
def test_nothing_but_our_own_sources_is_called(asked, target):
    found = asked(target=target)
    assert found.texts is None
    assert found.reason == "the run's config names no source of poolsweep's own"


def test_a_folder_is_no_data_set_of_the_hub(asked, tmp_path, monkeypatch):
    (tmp_path / "imdb").mkdir()
    (tmp_path / "imdb" / "README.md").write_text("---\nconfigs: [{data_files: https://evil.example/x.csv}]\n---\n")
    monkeypatch.chdir(tmp_path)
    found = asked(target="poolsweep.data.sources.hub.Hub", name="imdb")
    assert found.texts is None
    assert "a report reads no folder as a data set" in found.reason


def test_what_lies_beside_a_file_that_is_gone_is_not_told(asked, tmp_path):
    (tmp_path / "private.csv").write_text("text,label\n")
    found = asked(train=str(tmp_path / "privat.csv"))
    assert "privat.csv" in found.reason
    assert "private.csv" not in found.reason


def test_the_hub_is_asked_nothing(asked, refused_sockets, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)
    found = asked(target="poolsweep.data.sources.hub.Hub", name="nobody/nothing")
    assert found.texts is None
    assert not refused_sockets
