"""Reads back what every tracker holds of a study, each by its own API, and compares it with the run folders."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import pytest
from wandb_file import WandbFile

from poolsweep.loggers.study_run import study_id

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
    for _ in range(100):  # W&B's own process writes, a moment later on a busy machine
        found = [WandbFile(folder) for folder in study.glob("wandb/offline-run-*")]
        if all(hasattr(one, "run") and one.exit_code is not None for one in found):
            break
        time.sleep(0.1)
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
    assert offline.keys() - {study_id(study)} == boards.keys() == mlflow.keys() == trackio.keys() == found.keys()
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
