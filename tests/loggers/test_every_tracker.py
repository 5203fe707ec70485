"""All trackers at once: one run there per run here, also after a kill and for probes; read back by their own APIs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import wandb
from wandb_file import WandbFile

ALL = "logger=[wandb,tensorboard,mlflow,trackio]"


def results(study: Path) -> dict[str, dict]:
    """Run id → result, of the runs that finished."""
    found = {path.parent.name: json.loads(path.read_text()) for path in study.glob("*/result.json")}
    return {run_id: result for run_id, result in found.items() if result["status"] == "finished"}


def lines(study: Path, run_id: str, metric: str) -> list[tuple[int, float]]:
    """Step and value in metrics.csv."""
    with (study / run_id / "metrics.csv").open(newline="") as file:
        return [(int(row["step"]), float(row[metric])) for row in csv.DictReader(file) if row[metric]]


def in_wandb(study: Path) -> dict[str, WandbFile]:
    found = [WandbFile(folder) for folder in study.glob("wandb/offline-run-*")]
    assert len({one.run.run_id for one in found}) == len(found), "one folder per run"
    return {one.run.run_id: one for one in found}


def in_tensorboard(study: Path) -> dict:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folders = {path.parent for path in study.glob("tensorboard/**/events.*")}
    return {folder.name: EventAccumulator(str(folder)).Reload() for folder in folders}


def in_mlflow(study: Path):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{study / 'mlflow' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(study.name)
    assert experiment is not None
    runs = {}
    for run in client.search_runs([experiment.experiment_id]):
        assert run.data.tags["poolsweep.run_id"] not in runs, "one MLflow run per run"
        runs[run.data.tags["poolsweep.run_id"]] = run
    return client, runs


def in_trackio(study: Path) -> dict[str, list[dict]]:
    from trackio.sqlite_storage import SQLiteStorage

    names = SQLiteStorage.get_runs(study.name)
    assert len({name.split()[-1] for name in names}) == len(names)
    return {name.split()[-1]: SQLiteStorage.get_logs(study.name, name) for name in names}


def require_all_hold(study: Path) -> None:
    """Every tracker has the runs that finished, each once, with all lines of metrics.csv and the final metrics."""
    found = results(study)
    assert found, "premise: runs have finished"
    offline, boards, (client, mlflow), trackio = (
        in_wandb(study),
        in_tensorboard(study),
        in_mlflow(study),
        in_trackio(study),
    )
    assert offline.keys() == boards.keys() == mlflow.keys() == trackio.keys() == found.keys()
    for run_id, result in found.items():
        final = pytest.approx(result["metrics"], rel=1e-6)
        for metric in ("val/accuracy", "val/loss", "test/accuracy"):
            expected = lines(study, run_id, metric)
            steps, values = [step for step, _ in expected], pytest.approx([value for _, value in expected], rel=1e-6)
            curves = {
                "wandb": offline[run_id].curve(metric),
                "tensorboard": [(event.step, event.value) for event in boards[run_id].Scalars(metric)],
                "mlflow": [(m.step, m.value) for m in client.get_metric_history(mlflow[run_id].info.run_id, metric)],
                "trackio": [(row["step"], row[metric]) for row in trackio[run_id] if metric in row],
            }
            for tracker, curve in curves.items():
                assert [step for step, _ in curve] == steps, (tracker, metric)
                assert [value for _, value in curve] == values, (tracker, metric)
        assert {name: offline[run_id].summary[name] for name in result["metrics"]} == final
        assert {name: mlflow[run_id].data.metrics[name] for name in result["metrics"]} == final
        assert offline[run_id].exit_code == 0
        assert mlflow[run_id].info.status == "FINISHED"


def test_a_sweep_has_each_run_once_in_every_tracker(cli, tiny_run, outputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = ["train", "-m", *tiny_run, "encoder.frozen=true", ALL, "study=every", "pooling=cls,max", "seed=0"]
    done = cli(*typed)
    assert done.status == 0, done.err
    study = outputs / "every"
    require_all_hold(study)
    assert len(results(study)) == 2
    assert wandb.run is None, "the last run is closed too"
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"], (
        "no tracker leaves files where the command was typed"
    )
    assert len(done.err.splitlines()) == 5, "what the trackers say of themselves is not shown"
    assert "racki" not in done.out

    run_id, result = next(iter(results(study).items()))
    one = in_wandb(study)[run_id]
    group = f"animals/{result['pooling']}"
    assert (one.run.run_group, one.run.job_type, list(one.run.tags)) == (group, "frozen", ["every"])
    assert one.config["run_id"] == run_id
    assert "logger" not in one.config
    assert one.summary["best_epoch"] == result["best_epoch"]
    tables = {path.name.split("_")[0] for path in study.glob(f"wandb/offline-run-*-{run_id}/files/media/table/test/*")}
    assert tables == {"confusion", "predictions"}
    assert not list(study.glob("wandb/**/*.safetensors")) + list(study.glob("wandb/**/*.ckpt"))

    hparams = in_tensorboard(study)[run_id].SummaryMetadata("_hparams_/session_start_info")
    assert b"encoder.frozen" in hparams.plugin_data.content
    _, mlflow = in_mlflow(study)
    assert mlflow[run_id].data.params["pooling.tokens._target_"].startswith("poolsweep.pooling.tokens.")

    def stamps() -> dict[Path, int]:
        kept = ("wandb", "tensorboard", "mlflow")
        return {p: p.stat().st_mtime_ns for name in kept for p in (study / name).rglob("*") if p.is_file()}

    before = stamps()
    assert cli(*typed).status == 0
    assert stamps() == before, "typed again, finished runs are not logged again"


def test_a_run_that_was_killed_and_resumed_is_one_run_with_every_line_once(cli, short_run, outputs, killed_at):
    typed = ["train", *short_run, ALL, "study=resumed", "checkpoint.every_steps=2"]
    with killed_at(17) as kill, pytest.raises(kill.error):
        cli(*typed)
    study = outputs / "resumed"
    assert "validation_step" in kill.seen, "premise: metrics had been logged"
    assert not results(study)
    wandb.teardown()  # as a process that is killed takes its service with it
    done = cli(*typed)
    assert done.status == 0, done.err
    [result] = results(study).values()
    assert result["resumed_at"], "premise: it went on from a checkpoint"
    require_all_hold(study)


def test_a_run_that_failed_is_closed_and_gives_way_to_the_next_attempt(cli, tiny_run, outputs, monkeypatch):
    from poolsweep.classifier import Classifier

    typed = ["train", *tiny_run, ALL, "study=failed"]
    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "on_test_epoch_end", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            cli(*typed)
    study = outputs / "failed"
    [failed] = in_wandb(study).values()
    assert failed.exit_code == 1
    assert failed.history, "premise: it had logged"
    [run] = in_mlflow(study)[1].values()
    assert run.info.status == "FAILED"
    assert cli(*typed).status == 0
    require_all_hold(study)


def test_a_probe_logs_too(cli, tiny_run, outputs):
    typed = [key for key in tiny_run if not key.startswith("trainer.max_epochs")]
    done = cli("train", *typed, "encoder.frozen=true", "trainer=probe", ALL, "study=probe")
    assert done.status == 0, done.err
    require_all_hold(outputs / "probe")
    [one] = in_wandb(outputs / "probe").values()
    assert one.run.job_type == "probe"
    assert "penalty" in one.summary
