"""A study is a run of its own in W&B, one however often its command is typed."""

from __future__ import annotations

import csv
import json
import time

import pytest
import wandb
from wandb_file import WandbFile

from poolsweep.loggers.study_run import study_id


@pytest.fixture
def typed(tiny_run) -> list[str]:
    own = [one for one in tiny_run if not one.startswith(("trainer.", "data.batch", "data.eval"))]
    return [
        "train",
        "-m",
        *own,
        "encoder.frozen=true",
        "trainer=probe",
        "pooling=cls,max",
        "seed=0,1",
        "data.test_fraction=0.5",
    ]


def runs_of(study) -> list[str]:
    return [path.name for path in study.glob(f"wandb/offline-run-*-{study_id(study)}")]


def ended(folder) -> WandbFile:
    """What a run holds; W&B's other process may still be writing when the run has been finished."""
    until = time.monotonic() + 30
    while (found := WandbFile(folder)).exit_code is None and time.monotonic() < until:
        time.sleep(0.1)
    return found


def test_the_leaderboard_and_the_page_without_texts_are_one_run_however_often_it_is_typed(
    cli, typed, outputs, animal_rows
):
    study = outputs / "default"
    assert cli(*typed).status == 0
    assert not (study / "wandb").exists(), "premise: nothing is tracked unless it is asked for"
    done = cli(*typed, "logger=wandb")
    assert done.status == 0, done.err
    assert "4 finished before" in done.err, "a finished study is told of, too"
    [first] = runs_of(study)
    assert cli(*typed, "logger=wandb", "seed=0,1,2").status == 0
    [name] = runs_of(study)
    assert name != first
    found = ended(study / "wandb" / name)
    assert (found.run.job_type, found.run.run_id, found.run.display_name) == ("study", study_id(study), "default")
    [path] = (study / "wandb" / name).glob("files/media/table/*.table.json")
    table = json.loads(path.read_text())
    with (study / "leaderboard.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert table["columns"] == ["mean ± 95% interval", *rows[0]]
    for shown, row in zip(table["data"], rows, strict=True):
        numbers = [row["test_accuracy"], row["ci95_half_width"]]
        assert shown[0] == " ± ".join(f"{float(number):.4f}" for number in numbers if number)
        assert shown[table["columns"].index("name")] == row["name"]
    assert found.summary["contenders"] == 2
    assert found.summary["best"] == f"animals {rows[0]['rows']}: {rows[0]['name']} {table['data'][0][0]}"
    assert any("±" in shown[0] for shown in table["data"]), "premise: seeds differ"
    page = (study / "wandb" / "study-report" / "report.html").read_text()
    assert "cls" in page, "premise: it is the report"
    assert not [text for text, _ in animal_rows if text in page], "no text leaves the machine"
    assert f"  {study_id(study)}  " in cli("sync", "default").out
    assert wandb.run is None


def test_what_keeps_wandb_from_it_is_said_without_keys_and_fails_nothing(cli, typed, outputs, monkeypatch):
    assert cli(*typed).status == 0
    monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)

    def refused(**given):
        assert (given["mode"], given["resume"], given["job_type"]) == ("online", "allow", "study")
        raise wandb.errors.CommError(f"cannot reach api.wandb.ai with {'0123456789' * 4}")

    monkeypatch.setattr(wandb, "init", refused)
    done = cli(*typed, "logger=wandb")
    assert done.status == 0
    assert done.problems[-1] == (
        "note: W&B has not been told of the study as a whole: cannot reach api.wandb.ai with [hidden]; "
        "the same command tries again"
    )


def test_where_wandb_is_switched_off_nothing_is_written(cli, typed, outputs, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert cli(*typed, "logger=wandb").status == 0
    assert not runs_of(outputs / "default")
    assert not (outputs / "default" / "wandb" / "study-report").exists()
