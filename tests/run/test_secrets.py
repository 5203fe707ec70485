"""Keys never reach a record, a log or a tracker."""

from __future__ import annotations

from poolsweep.run.secrets import redacted, without_secrets

KEY = "local-0123456789abcdef"


def test_values_of_key_variables_and_logins_are_hidden(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "sometimes")
    text = f"401 for {KEY} at http://me:secret@host/x; sometimes"
    assert redacted(text) == "401 for [hidden] at http://[hidden]@host/x; sometimes"
    assert without_secrets({"a": [KEY, 1, {"b": f"x{KEY}"}]}) == {"a": ["[hidden]", 1, {"b": "x[hidden]"}]}


def test_a_failure_that_names_a_key_is_recorded_without_it(cli, tiny_run, outputs, monkeypatch):
    from poolsweep.classifier import Classifier

    def fail(self):
        raise RuntimeError(f"401 for {KEY}")

    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr(Classifier, "on_train_start", fail)
    cli("train", "-m", *tiny_run, "logger=[wandb,tensorboard]", "seed=0")
    files = [path for path in outputs.rglob("*") if path.is_file()]
    assert any(path.name == "run.log" for path in files)
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path
