"""Keys never reach a record, a log or a tracker."""

from __future__ import annotations

from poolsweep.runs.secrets import recorded, redacted, without_secrets

KEY = "local-0123456789abcdef"


def test_values_of_key_variables_and_logins_are_hidden(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "sometimes")
    text = f"401 for {KEY} at http://me:secret@host/x; sometimes"
    assert redacted(text) == "401 for [hidden] at http://[hidden]@host/x; sometimes"
    assert without_secrets({"a": [KEY, 1, {"b": f"x{KEY}"}]}) == {"a": ["[hidden]", 1, {"b": "x[hidden]"}]}


def test_a_failure_that_names_a_key_is_recorded_without_it(cli, tiny_run, outputs, monkeypatch):
    from poolsweep.model.lightning import LightningClassifier

    def fail(self):
        raise RuntimeError(f"401 for {KEY}")

    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr(LightningClassifier, "on_train_start", fail)
    cli("train", "-m", *tiny_run, "logger=[wandb,tensorboard]", "seed=0")
    files = [path for path in outputs.rglob("*") if path.is_file()]
    assert any(path.name == "run.log" for path in files)
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path


def test_a_login_in_a_tracker_s_address_is_used_and_stands_in_no_record(cli, tiny_run, outputs, monkeypatch):
    from poolsweep.loggers.mlflow import MlflowRun

    used = []

    def refuse(self, *, tracking_uri, **described):
        used.append(tracking_uri)
        raise ConnectionError(f"no server at {tracking_uri}")

    monkeypatch.setattr(MlflowRun, "__init__", refuse)
    address = "https://me:geheim-1@tracking.example/x?access_token=geheim-2"
    typed = [*tiny_run[:3], "encoder.frozen=true", "trainer=probe", "logger=mlflow", "retry=all", "pooling=cls",
             f'logger.mlflow.tracking_uri="{address}"']  # fmt: skip
    for flags in ([], [], ["-m"]):
        assert cli("train", *flags, *typed).status == 1
    assert used == [address] * 3, "the same command logs in again"
    written = [path for path in outputs.rglob("*") if path.is_file()]
    assert {"config.yaml", "result.json", "status.json", "run.log", "planned.json"} <= {path.name for path in written}
    for path in written:
        assert b"geheim" not in path.read_bytes(), path
    assert "geheim" not in cli("status").out


def test_what_identifies_no_run_is_no_part_of_its_name():
    from poolsweep.training.job import run_name

    typed = ["pooling=cls", "retry=all", "+trainer.x=1", "logger.wandb.project=p", "study=s", "hydra/launcher=local",
             "checkpoint.every_steps=3", "experiment=demo", "sweep=race", "~callbacks.early"]  # fmt: skip
    assert run_name(typed) == "pooling=cls +trainer.x=1 ~callbacks.early"


def test_a_variable_that_names_a_file_is_no_key(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_KEY_FILE", str(tmp_path))
    assert redacted(f"{tmp_path}/x.csv") == f"{tmp_path}/x.csv"
    assert recorded({"data": {"train": str(tmp_path)}, "logger": None})["data"]["train"] == str(tmp_path)
