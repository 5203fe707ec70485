"""What stands on a package that is not installed is refused once, with the line that installs it."""

from __future__ import annotations

import sys

import pytest

TYPED = {
    "tensorboard": ["train", "-m", "logger=tensorboard", "seed=0,1"],
    "mlflow": ["train", "-m", "logger=[tensorboard,mlflow]", "seed=0,1"],
    "trackio": ["train", "logger=trackio"],
    "optuna": ["train", "-m", "sweep=optuna", "seed=0,1"],
    "ray": ["train", "-m", "hydra/launcher=ray", "seed=0,1"],
    "peft": ["train", "-m", "encoder/adapter=lora,dora", "seed=0,1"],
    "submitit": ["train", "-m", "hydra/launcher=slurm", "seed=0,1"],
}


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize("package", TYPED)
def test_a_package_that_is_not_there_is_named_once_before_anything_runs(cli, tiny_run, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    verb, *typed = TYPED[package]
    done = cli(verb, *typed[:1], *tiny_run, *typed[1:])
    assert (done.status, done.out) == (2, "")
    extra = {"submitit": "slurm", "peft": "lora"}.get(package, package)
    assert [problem.partition(" needs ")[2] for problem in done.problems] == [
        f"{package}: pip install 'poolsweep[{extra}]'"
    ]


def test_submit_says_so_before_it_loads_anything(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    monkeypatch.setitem(sys.modules, "poolsweep.cli.launch", None)
    done = cli("submit", "seed=0,1")
    assert (done.status, done.problems) == (2, ["poolsweep submit needs submitit: pip install 'poolsweep[slurm]'"])


def test_the_dashboard_says_so_too(cli, monkeypatch, outputs):
    (outputs / "default" / "0123456789ab").mkdir(parents=True)
    (outputs / "default" / "0123456789ab" / "status.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = cli("dashboard", "default")
    assert (done.status, done.problems) == (2, ["the dashboard needs uvicorn: pip install 'poolsweep[dashboard]'"])
