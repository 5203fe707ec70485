"""What ``poolsweep env`` prints."""

import json

import torch
import transformers


def test_versions_hardware_and_no_keys(cli, monkeypatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "a-secret-key")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("WANDB_MODE", "offline")
    found = json.loads(cli("env", "--json").out)
    assert found["versions"]["torch"] == torch.__version__
    assert found["versions"]["transformers"] == transformers.__version__
    assert found["extras"]["optuna"] != "not installed", "premise: tests run with all extras"
    assert found["variables"]["WANDB_MODE"] == "offline"
    plain = cli("env").out
    assert torch.__version__ in plain
    assert "secret" not in plain + json.dumps(found)
