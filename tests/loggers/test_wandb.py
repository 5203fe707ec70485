"""W&B, offline: one run per run id, closed in every case."""

from __future__ import annotations

import json

import wandb

from poolsweep.loggers.wandb import mode


def offline_ids(outputs, study: str = "default") -> list[str]:
    return sorted(path.name.rsplit("-", 1)[-1] for path in outputs.glob(f"{study}/wandb/offline-run-*"))


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
