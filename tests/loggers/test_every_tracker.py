"""All trackers at once: one run there per run here, also after a kill and for probes; read back by their own APIs."""

from __future__ import annotations

from pathlib import Path

import pytest
import wandb
from tracker_stores import ALL, in_mlflow, in_tensorboard, in_wandb, require_all_hold, results


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
        files = (
            path for name in kept for path in (study / name).rglob("*") if path.is_file() and not path.is_symlink()
        )
        return {path: path.stat().st_mtime_ns for path in files if "study" not in str(path.relative_to(study))}

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


def test_a_probe_logs_too(cli, tiny_run, outputs):
    typed = [key for key in tiny_run if not key.startswith("trainer.max_epochs")]
    done = cli("train", *typed, "encoder.frozen=true", "trainer=probe", ALL, "study=probe")
    assert done.status == 0, done.err
    require_all_hold(outputs / "probe")
    [one] = in_wandb(outputs / "probe").values()
    assert one.run.job_type == "probe"
    assert "penalty" in one.summary
