"""W&B, offline: one run per run id, closed in every case."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
import wandb
from wandb_file import WandbFile

from poolsweep.loggers.wandb import mode


def offline_ids(outputs, study: str = "default") -> list[str]:
    ids = (path.name.rsplit("-", 1)[-1] for path in outputs.glob(f"{study}/wandb/offline-run-*"))
    return sorted(run_id for run_id in ids if not run_id.startswith("study"))


def test_without_a_key_runs_are_offline_each_with_its_run_id(cli, tiny_run, outputs):
    done = cli("train", "-m", *tiny_run, "encoder.frozen=true", "logger=wandb", "trainer.max_epochs=1", "seed=0,1")
    assert done.status == 0, done.err
    ids = sorted(path.parent.name for path in outputs.glob("default/*/result.json"))
    assert len(ids) == 2
    assert offline_ids(outputs) == ids
    assert wandb.run is None, "the last run is closed too"


def test_a_failed_run_is_closed(cli, tiny_run, outputs):
    done = cli("train", *tiny_run, "logger=wandb", "optimizer.head_lr=1e38", "trainer.gradient_clip_val=null")
    assert done.status == 1
    [path] = outputs.glob("default/*/result.json")
    assert json.loads(path.read_text())["status"] == "failed"
    assert offline_ids(outputs) == [path.parent.name]
    assert wandb.run is None


def test_mode_follows_the_environment_then_the_key(monkeypatch, tmp_path):
    assert mode() == "offline"
    monkeypatch.setenv("WANDB_API_KEY", "k")
    assert mode() == "online"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert mode() == "disabled"
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.delenv("WANDB_API_KEY")
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password k\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert mode() == "online"
    monkeypatch.setenv("WANDB_BASE_URL", "https://other.host")
    assert mode() == "offline"


def test_a_study_s_name_is_cut_to_what_a_tag_may_be(cli, tiny_run, outputs):
    study = "sentiment-of-hotel-reviews-in-three-languages-with-all-poolings-2026-final"
    assert len(study) > 64, "premise"
    done = cli("train", *tiny_run[:3], "encoder.frozen=true", "trainer=probe", "logger=wandb", f"study={study}")
    assert done.status == 0, done.err
    assert len(offline_ids(outputs, study)) == 1


@pytest.mark.parametrize(("project", "mode_given"), [("a/b", "offline"), ("p" * 129, "offline"), ("p", "nonsense")])
def test_what_wandb_refuses_is_refused_in_one_line(cli, tiny_run, monkeypatch, project, mode_given):
    monkeypatch.setenv("WANDB_MODE", mode_given)
    done = cli("train", *tiny_run[:3], "encoder.frozen=true", "trainer=probe", "logger=wandb",
               f"logger.wandb.project={project}")  # fmt: skip
    assert done.status == 2
    assert done.problems[-1].startswith(("logger.wandb.project must have at most 128", "WANDB_MODE must be online"))


def test_a_library_s_settings_say_which_is_wrong():
    from poolsweep.training.failure import in_one_line

    with pytest.raises(ValueError, match="Input should be") as error:
        wandb.Settings(mode="nonsense")  # type: ignore[arg-type]
    assert in_one_line(error.value).startswith("ValidationError: mode: Input should be 'online'")


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("multilabel", ["row_id", "label", "predicted", "correct"]),
        ("regression", ["row_id", "label", "predicted", "error"]),
    ],
)
def test_predictions_of_other_tasks_are_a_table_the_worst_first(cli, run_of, outputs, kind, columns):
    done = cli("train", *run_of(kind), "encoder.frozen=true", "trainer.max_epochs=1", "logger=wandb", "study=s")
    assert done.status == 0, done.err
    [run] = outputs.glob("s/*/result.json")
    [folder] = outputs.glob("s/wandb/offline-run-*")
    [table] = (json.loads(path.read_text()) for path in folder.glob("files/media/table/test/predictions_*.json"))
    assert table["columns"] == columns
    recorded = pq.read_table(run.parent / "predictions-test.parquet").to_pydict()
    labels = dict(zip(recorded["row_id"], recorded["label"], strict=True))
    assert sorted(row[0] for row in table["data"]) == recorded["row_id"]
    for row in table["data"]:
        label = labels[row[0]]
        assert row[1] == ("|".join(label) if isinstance(label, list) else label)
    if kind == "regression":
        assert [row[3] for row in table["data"]] == sorted((row[3] for row in table["data"]), reverse=True)
        assert [row[3] for row in table["data"]] == pytest.approx([abs(r[1] - r[2]) for r in table["data"]], abs=1e-5)
    file = WandbFile(folder)
    assert file.summary.get("temperature") == json.loads(run.read_text()).get("temperature")
    assert not list(folder.glob("files/media/table/test/confusion*"))
