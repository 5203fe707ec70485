"""wandb-sweep: W&B's own code turns the printed sweep.yaml into a command that poolsweep understands."""

from __future__ import annotations

import json

import pytest
import wandb
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args
from wandb_file import WandbFile


@pytest.fixture
def agent(monkeypatch):
    """An agent's environment; W&B reads it once a process, so it is made to read anew before and after."""
    wandb.teardown()
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    monkeypatch.setenv("WANDB_RUN_ID", "agent1")
    yield
    monkeypatch.undo()
    wandb.teardown()


def test_an_agents_command_trains_the_run_that_train_would(cli, tiny_run, outputs, agent, monkeypatch):
    printed = cli(
        "wandb-sweep", *tiny_run, "encoder.frozen=true", "pooling=cls,max", "seed=0,1", "trainer.precision=32"
    )
    assert printed.status == 0, printed.err
    sweep = yaml.safe_load(printed.out)
    assert sweep["parameters"] == {"pooling": {"values": ["cls", "max"]}, "seed": {"values": [0, 1]}}
    assert sweep["metric"] == {"name": "val/accuracy", "goal": "maximize"}
    given = create_sweep_command_args({"args": {"pooling": {"value": "max"}, "seed": {"value": 1}}})
    typed = []
    for part in create_sweep_command(sweep["command"]):
        typed += given[part[2:-1]] if part in {"${args_no_hyphens}"} else [] if part == "${env}" else [part]
    assert typed[0] == "poolsweep"
    assert cli(*typed[1:]).status == 0
    [path] = outputs.glob("default/*/result.json")
    result = json.loads(path.read_text())
    assert (result["pooling"], result["seed"]) == ("max", 1)
    [folder] = outputs.glob("default/wandb/offline-run-*")
    assert folder.name.endswith("-agent1"), "under an agent the run there is the agent's"

    monkeypatch.setenv("WANDB_RUN_ID", "agent2")
    wandb.teardown()
    assert cli(*typed[1:]).status == 0
    wandb.teardown()
    [again] = outputs.glob("default/wandb/offline-run-*-agent2")
    told = WandbFile(again)
    assert told.history, told.summary
    assert told.summary["val/accuracy"] == pytest.approx(result["metrics"]["val/accuracy"])
    assert told.exit_code == 0, "a run that finished before is told to the agent that asks for it"


def test_values_reach_hydra_as_they_were_typed(cli, compose):
    swept = [
        "data.max_length=null,64",
        "pooling.tokens.template='a [TEXT] b','it, [TEXT]'",
        "encoder.frozen=true,false",
    ]
    printed = cli("wandb-sweep", "pooling=promptbert", *swept)
    assert printed.status == 0, printed.err
    values = {key: each["values"] for key, each in yaml.safe_load(printed.out)["parameters"].items()}
    for place, wanted in enumerate([(None, "a [TEXT] b", True), (64, "it, [TEXT]", False)]):
        given = create_sweep_command_args({"args": {key: {"value": value[place]} for key, value in values.items()}})
        found = compose("pooling=promptbert", *given["args_no_hyphens"])
        chosen = (found.loading.max_length, found.tokens["template"], found.frozen)
        assert chosen == wanted


def test_nothing_swept_is_named(cli):
    done = cli("wandb-sweep", "pooling=cls")
    assert done.status == 2
    assert done.problems[0].startswith("nothing is swept")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("pooling=glob(q*)", "pooling=glob(q*) stands for no value at all"),
        ("loss=[1,2]", "loss=[…] holds something else"),
    ],
)
def test_what_train_refuses_is_refused(cli, typed: str, answer: str):
    done = cli("wandb-sweep", typed, "seed=0,1")
    assert done.status == 2
    assert done.problems[0].startswith(answer)


def test_a_pattern_stands_for_the_options_of_a_group(cli):
    printed = cli("wandb-sweep", "pooling=glob(cls_last4_m*)")
    assert printed.status == 0, printed.err
    assert yaml.safe_load(printed.out)["parameters"]["pooling"]["values"] == ["cls_last4_max", "cls_last4_mean"]


def test_what_an_experiment_sweeps_is_swept_unless_the_command_line_says_otherwise(cli):
    printed = cli("wandb-sweep", "experiment=demo", "pooling=cls,max")
    assert printed.status == 0, printed.err
    parameters = yaml.safe_load(printed.out)["parameters"]
    assert parameters == {"seed": {"values": [0, 1, 2, 3, 4]}, "pooling": {"values": ["cls", "max"]}}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("interval(1e-5,1e-3)", {"distribution": "uniform", "min": 1e-5, "max": 1e-3}),
        ("tag(log,interval(1e-5,1e-3))", {"distribution": "log_uniform_values", "min": 1e-5, "max": 1e-3}),
        ("int(interval(1,8))", {"distribution": "int_uniform", "min": 1, "max": 8}),
        ("tag(log,int(interval(1,8)))", {"distribution": "q_log_uniform_values", "min": 1, "max": 8, "q": 1}),
    ],
)
def test_an_interval_is_drawn_from(cli, typed: str, expected: dict):
    printed = cli("wandb-sweep", f"optimizer.lr={typed}", "--method", "random")
    assert printed.status == 0, printed.err
    assert yaml.safe_load(printed.out)["parameters"]["optimizer.lr"] == expected


def test_a_grid_of_an_interval_is_refused(cli):
    done = cli("wandb-sweep", "optimizer.lr=interval(1e-5,1e-3)")
    assert done.status == 2
    assert done.problems == [
        "optimizer.lr=interval(1e-5,1e-3): a grid needs values; --method random or bayes draws from an interval"
    ]


def test_the_metric_is_what_the_runs_are_selected_by(cli):
    printed = cli("wandb-sweep", "monitor=val/loss", "seed=0,1")
    assert yaml.safe_load(printed.out)["metric"] == {"name": "val/loss", "goal": "minimize"}


def test_folds_are_swept_and_joined_grids_are_refused(cli, animals):
    data = ["data=files", f"data.train={animals}"]
    printed = cli("wandb-sweep", *data, "data.folds=3", "pooling=cls,max")
    assert yaml.safe_load(printed.out)["parameters"]["data.fold"] == {"values": [0, 1, 2]}
    assert cli("wandb-sweep", *data, "pooling=cls,max", "sweep.also=['pooling=cls']").problems == [
        "sweep.also and sweep.file join grids, and W&B's agents draw from one: leave them out"
    ]


def test_a_mistyped_option_is_answered(cli):
    done = cli("wandb-sweep", "pooling=clss", "seed=0,1")
    assert (done.status, done.problems) == (2, ["pooling=clss is no option of pooling; did you mean cls?"])
