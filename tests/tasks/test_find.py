"""The task that a column is plainly for is found, said once, and is the same run as if it had been named."""

from __future__ import annotations

from pathlib import Path

import pytest

from poolsweep.data.sources.files import Files
from poolsweep.tasks import Regression


@pytest.fixture
def typed(tmp_path, write_csv) -> list[str]:
    rows = [(f"{'good ' * (i % 3)}{i}", str(i % 3)) for i in range(40)]
    return [
        "train", "data=files", f"data.train={write_csv(tmp_path / 'train.csv', rows)}", "encoder=tiny",
        "encoder.frozen=true", "trainer=probe", "trainer.accelerator=cpu",
    ]  # fmt: skip


@pytest.fixture
def recognised(monkeypatch) -> None:
    """As if a column of numbers left no doubt that it holds scores."""
    why = classmethod(lambda cls, column, *, row_ids, given: f"row {row_ids[0] + 1} holds {column[0]}")
    monkeypatch.setattr(Regression, "recognised", why)


def runs(outputs: Path) -> list[str]:
    return sorted(path.parent.name for path in outputs.glob("*/*/result.json"))


@pytest.mark.usefixtures("recognised")
def test_a_task_that_is_found_is_the_run_of_the_same_task_named(cli, typed, outputs):
    found = cli(*typed, "-m", "pooling=cls,masked_mean")
    assert found.status == 0, found.err
    assert [line for line in found.err.splitlines() if "task=" in line] == ["note: task=regression: row 1 holds 0"]
    before = runs(outputs)
    assert len(before) == 2
    named = cli(*typed, "-m", "pooling=cls,masked_mean", "task=regression")
    assert named.status == 0
    assert "2 finished before" in named.err
    assert "note: task" not in named.err
    assert runs(outputs) == before
    assert cli(*typed, "task=classification").status == 0
    assert len(runs(outputs)) == 3, "another task is another run"


def test_several_labels_a_text_are_found_and_said(cli, typed, tmp_path, write_csv, outputs):
    kinds = ["joy", "fear", "joy|fear", "anger"]
    write_csv(tmp_path / "train.csv", [(f"{kinds[i % 4]} {i}", kinds[i % 4]) for i in range(60)])
    done = cli(*typed)
    assert done.status == 0, done.err
    assert "note: task=multilabel: the label 'joy|fear' of row 3 is several at once" in done.err.splitlines()
    before = runs(outputs)
    named = cli(*typed, "task=multilabel")
    assert (named.status, runs(outputs)) == (0, before)
    refused = cli(*typed, "task=classification")
    assert refused.status == 2
    assert "task=multilabel learns several labels per text" in refused.err


@pytest.mark.usefixtures("recognised")
def test_what_was_found_is_known_without_reading(cli, typed, monkeypatch):
    assert cli(*typed).status == 0

    def read(self: Files) -> None:
        raise AssertionError("the data are read")

    monkeypatch.setattr(Files, "read", read)
    again = cli(*typed)
    assert again.status == 0, again.err
    assert "finished before" in again.err
    assert "note: task=regression: row 1 holds 0" in again.err


def test_a_file_is_read_once_for_task_and_run(cli, typed, monkeypatch):
    read, count = Files.read, []
    monkeypatch.setattr(Files, "read", lambda self: count.append(1) or read(self))
    assert cli(*typed).status == 0
    assert len(count) == 1


@pytest.mark.parametrize("override", ["data.train=nowhere.csv", "data.label=stars", "data._target_=os.system"])
def test_data_that_cannot_be_read_are_refused_as_ever(cli, typed, override):
    done = cli(*typed, override)
    assert done.status == 2
    assert "Traceback" not in done.err
    assert override.rpartition("=")[2] in done.err


def test_scores_are_refused_with_the_task_that_trains_on_them(cli, tmp_path, write_csv):
    rows = [(f"text {i}", f"{i / 8}") for i in range(60)]
    done = cli("train", "data=files", f"data.train={write_csv(tmp_path / 'scores.csv', rows)}", "encoder=tiny")
    assert done.status == 2
    assert "task=regression trains on scores" in done.err
