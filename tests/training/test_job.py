"""A run folder: what is in it, that its numbers agree, and that the same run gives the same bits."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from poolsweep.files.writing import read_json, write_json, write_whole


@pytest.fixture
def trained(cli, tiny_run, outputs) -> Callable[..., Path]:
    """Train one run and give its folder."""

    def train(*overrides: str, study: str = "default") -> Path:
        before = set(outputs.glob(f"{study}/*/"))
        done = cli("train", *tiny_run, f"study={study}", *overrides)
        assert done.status == 0, done.err
        [folder] = set(outputs.glob(f"{study}/*/")) - before
        assert str(folder) in done.out
        return folder

    return train


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("frozen", ["false", "true"])
def test_the_folder_holds_what_everything_later_reads(trained, frozen: str):
    folder = trained(f"encoder.frozen={frozen}", "seed=7", "trainer.log_every_n_steps=2")
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names - {"run.log"} == {
        "config.yaml", "labels.json", "metrics.csv", "predictions-validation.parquet", "predictions-test.parquet",
        "checkpoints/best.safetensors", "status.json", "result.json",
    }  # fmt: skip
    result = json.loads((folder / "result.json").read_text())
    assert result["status"] == "finished"
    assert result["run_id"] == folder.name
    assert (result["seed"], result["pooling"], result["encoder"], result["data"]) == (
        7, "masked_mean", "tiny", "animals",
    )  # fmt: skip
    assert result["sizes"] == {"train": 51, "validation": 6, "test": 6}
    assert set(result["metrics"]) == {
        f"{s}/{m}" for s in ("val", "test") for m in ("accuracy", "f1_macro", "loss", "mcc")
    }
    assert result["parameters"]["pooled_size"] == 32
    trained_parameters = 32 * 3 + 3
    if frozen == "true":
        assert result["parameters"]["trained"] == trained_parameters
    else:
        assert result["parameters"]["trained"] > 10 * trained_parameters
    for key in ("versions", "hardware", "git_commit", "seconds", "examples_per_second", "peak_memory_mib", "steps"):
        assert key in result
    assert result["steps"] == 2 * 4
    assert json.loads((folder / "labels.json").read_text()) == {"cat": 0, "dog": 1, "owl": 2}
    assert yaml.safe_load((folder / "config.yaml").read_text())["seed"] == 7
    assert json.loads((folder / "status.json").read_text())["state"] == "finished"
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(bool(row["train/loss"]) for row in rows) == 4
    assert sum(bool(row["val/accuracy"]) for row in rows) >= 2


def test_predictions_agree_with_the_recorded_metrics(trained, animals):
    folder = trained("encoder.frozen=true")
    metrics = json.loads((folder / "result.json").read_text())["metrics"]
    with animals.open(newline="") as file:
        source = list(csv.DictReader(file))
    for split, prefix in (("validation", "val"), ("test", "test")):
        table = pq.read_table(folder / f"predictions-{split}.parquet").to_pydict()
        assert table["row_id"] == sorted(table["row_id"])
        assert len(table["row_id"]) == 6
        assert table["label"] == [source[row]["label"] for row in table["row_id"]]
        for predicted, probabilities in zip(table["predicted"], table["probabilities"], strict=True):
            assert sum(probabilities) == pytest.approx(1, abs=1e-6)
            assert predicted == ["cat", "dog", "owl"][probabilities.index(max(probabilities))]
        truth, found = table["label"], table["predicted"]
        assert metrics[f"{prefix}/accuracy"] == pytest.approx(accuracy_score(truth, found), abs=1e-6)
        assert metrics[f"{prefix}/mcc"] == pytest.approx(matthews_corrcoef(truth, found), abs=1e-6)
        macro = f1_score(truth, found, average="macro", labels=["cat", "dog", "owl"], zero_division=0)
        assert metrics[f"{prefix}/f1_macro"] == pytest.approx(macro, abs=1e-6)


@pytest.mark.parametrize("frozen", ["false", "true"])
def test_the_same_run_gives_the_same_bits(trained, frozen: str):
    # another study and another logging interval: neither counts for the run's identity
    first = trained(f"encoder.frozen={frozen}", study="one")
    second = trained(f"encoder.frozen={frozen}", "trainer.log_every_n_steps=1", study="two")
    other = trained(f"encoder.frozen={frozen}", "seed=1", study="three")
    assert first.name == second.name != other.name
    for name in ("predictions-validation.parquet", "predictions-test.parquet", "checkpoints/best.safetensors"):
        assert digest(first / name) == digest(second / name), name
        assert digest(first / name) != digest(other / name), name


def test_test_is_evaluated_once_with_the_best_checkpoint(trained, monkeypatch):
    from poolsweep.callbacks.best_weights import BestWeights
    from poolsweep.model.lightning import LightningClassifier

    evaluated, saved = [], []
    original = LightningClassifier.on_test_epoch_end
    save = BestWeights.save

    def note(self):
        evaluated.append({k: v.clone() for k, v in self.state_dict().items() if v.numel()})
        original(self)

    def note_save(self, trainer, pl_module):
        saved.append(trainer.current_epoch)
        save(self, trainer, pl_module)

    monkeypatch.setattr(LightningClassifier, "on_test_epoch_end", note)
    monkeypatch.setattr(BestWeights, "save", note_save)
    # a rate that wrecks later epochs, so that the best weights are not the last
    folder = trained("monitor=val/loss", "optimizer.head_lr=20", "trainer.max_epochs=3",
                     "trainer.gradient_clip_val=null", "scheduler.shape=constant", "callbacks=none")  # fmt: skip
    result = json.loads((folder / "result.json").read_text())
    assert len(evaluated) == 1
    assert result["best_epoch"] == saved[-1] + 1 < result["epochs"] == 3, "premise: the best is not the last"
    best = load_file(folder / "checkpoints" / "best.safetensors")
    assert all((evaluated[0][name] == tensor).all() for name, tensor in best.items())
    with (folder / "metrics.csv").open(newline="") as file:
        losses = [float(row["val/loss"]) for row in csv.DictReader(file) if row["val/loss"]]
    assert result["metrics"]["val/loss"] == pytest.approx(min(losses))


def test_a_finished_run_is_not_run_again(cli, trained, tiny_run):
    folder = trained("encoder.frozen=true")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    done = cli("train", *tiny_run, "encoder.frozen=true")
    assert done.status == 0
    assert f"run {folder.name} finished before" in done.err
    assert "test/accuracy" in done.out
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_failed_or_broken_run_is_run_again(cli, trained, tiny_run):
    folder = trained("encoder.frozen=true")
    first = digest(folder / "predictions-test.parquet")
    (folder / "result.json").write_text('{"status": "finis')
    assert cli("train", *tiny_run, "encoder.frozen=true").status == 0
    assert json.loads((folder / "result.json").read_text())["status"] == "finished"
    assert digest(folder / "predictions-test.parquet") == first
    with (folder / "metrics.csv").open(newline="") as file:
        assert sum(bool(row["test/accuracy"]) for row in csv.DictReader(file)) == 1


def test_early_stopping_ends_a_run_that_gets_no_better(trained):
    folder = trained("optimizer.lr=0", "optimizer.head_lr=0", "trainer.max_epochs=30")
    assert json.loads((folder / "result.json").read_text())["epochs"] == 4  # the first, and a patience of 3


def test_the_share_of_truncated_texts_is_recorded_and_said(cli, tiny_run, outputs):
    done = cli("train", *tiny_run, "data.max_length=8")
    [path] = outputs.glob("default/*/result.json")
    share = json.loads(path.read_text())["truncated_share"]["train"]
    assert 0 < share < 1
    assert f"{100 * share:.1f}% of the train texts were cut to data.max_length" in done.out


def test_files_appear_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "file.json"

    def die_while_writing() -> None:
        with write_whole(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        die_while_writing()
    assert list(path.parent.iterdir()) == []
    write_json(path, {"a": "é"})
    assert read_json(path) == {"a": "é"}
    assert read_json(tmp_path / "absent.json") is None


def test_rows_sorted_by_label_train_as_well_as_shuffled_ones(trained, animal_rows, write_csv, tmp_path):
    accuracies = {}
    for name, rows in (("mixed", animal_rows * 4), ("sorted", sorted(animal_rows * 4, key=lambda row: row[1]))):
        rows = [(f"{text} {i}", label) for i, (text, label) in enumerate(rows)]
        path = write_csv(tmp_path / f"{name}.csv", rows)
        folder = trained(f"data.train={path}", "encoder.frozen=true", "data.batch_size=8", "trainer.max_epochs=15")
        accuracies[name] = json.loads((folder / "result.json").read_text())["metrics"]["test/accuracy"]
    assert min(accuracies.values()) >= 0.9, accuracies


def test_hidden_folders_and_files_of_others_in_a_run_folder_stay(cli, tiny_run, outputs):
    assert cli("train", *tiny_run, "encoder.frozen=true", "trainer.max_epochs=1").status == 0
    [folder] = outputs.glob("default/*/")
    (folder / ".ipynb_checkpoints").mkdir()
    for name in (".job.json.0123abcd-1-0123abcd", ".metrics.csv.0123abcd-2-0123abcd", ".nfs0001", ".notes.txt"):
        (folder / name).write_text("half")
    assert cli("train", *tiny_run, "encoder.frozen=true", "trainer.max_epochs=1", "retry=all").status == 0
    assert {path.name for path in folder.glob(".*")} == {
        ".ipynb_checkpoints",
        ".job.json.0123abcd-1-0123abcd",
        ".nfs0001",
        ".notes.txt",
    }


RUNS = {
    "fine-tuned": ["trainer.max_epochs=1", "checkpoint.every_steps=1"],
    "probe": ["encoder.frozen=true", "trainer=probe"],
}


@pytest.fixture(params=RUNS)
def typed(request, tiny_run) -> list[str]:
    """A run of each kind."""
    return ["train", *tiny_run[:3], *RUNS[request.param], "trainer.accelerator=cpu"]


@pytest.mark.parametrize("mask", [0o002, 0o022])
def test_files_have_the_mode_that_the_umask_asks_for(mask, typed, cli, outputs):
    before = os.umask(mask)
    try:
        assert cli(*typed).status == 0
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in outputs.rglob("*")}
    assert {path.name: oct(mode) for path, mode in modes.items() if path.is_file() and mode != 0o666 & ~mask} == {}
    assert {path.name: oct(mode) for path, mode in modes.items() if path.is_dir() and mode != 0o777 & ~mask} == {}


def test_a_clock_that_steps_back_changes_no_duration(typed, cli, outputs, monkeypatch):
    now = itertools.count(time.time(), -1000)
    monkeypatch.setattr(time, "time", lambda: next(now))
    assert cli(*typed).status == 0
    [folder] = outputs.glob("default/*/")
    result, status = (json.loads((folder / f"{name}.json").read_text()) for name in ("result", "status"))
    assert 0 < result["train_seconds"] <= result["seconds"] <= status["seconds"] + 0.001 < 900
    assert 0 < result["cpu_seconds"] < 900
