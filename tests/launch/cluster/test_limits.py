from __future__ import annotations

import re

import pytest
import yaml

from poolsweep.conf_dir import conf_dir
from poolsweep.errors import UserError
from poolsweep.launch.cluster.limits import Limits, Shape, minutes, parameters, read_limits, shape_of


@pytest.fixture
def given() -> dict:
    keys = yaml.safe_load((conf_dir() / "hydra" / "launcher" / "slurm.yaml").read_text())
    return {key: value for key, value in keys.items() if key not in {"_target_", "wait", "poll_seconds"}}


def test_defaults_ask_for_no_gpu_and_may_be_requeued(given):
    asked = parameters(read_limits(given, Limits), Shape(1, 1), name="job")
    assert (asked["time"], asked["mem"], asked["ntasks_per_node"], asked["signal_delay_s"]) == (240, "16G", 1, 120)
    assert "gpus_per_node" not in asked
    assert "partition" not in asked, "the cluster's default"
    assert asked["additional_parameters"] == {"requeue": True}


@pytest.mark.parametrize(("gpus", "devices", "asked"), [("auto", 4, 4), (8, 4, 8), (0, 4, None)])
def test_gpus(gpus, devices, asked, given):
    found = parameters(read_limits(given | {"gpus": gpus}, Limits), Shape(2, devices), name="job")
    assert found.get("gpus_per_node") == asked
    assert (found["nodes"], found["ntasks_per_node"]) == (2, devices), "tasks per node follow trainer.devices"


@pytest.mark.parametrize(("gpus", "accelerator"), [(0, "cpu"), ("auto", "cuda"), (2, "cuda")])
def test_what_auto_finds_in_a_job(gpus, accelerator, given):
    assert read_limits(given | {"gpus": gpus}, Limits).accelerator == accelerator


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"time": "soon"}, "hydra.launcher.time must be minutes"),
        ({"time": 1}, "longer than warning_seconds=120"),
        ({"cpus": 0, "parallel": 0}, "hydra.launcher.cpus must be at least 1, got 0"),
        ({"gpus": "many"}, "hydra.launcher.gpus"),
        ({"memory": 16}, "hydra.launcher.memory"),
        ({"setup": "module load cuda"}, "hydra.launcher.setup"),
    ],
)
def test_wrong_keys(wrong, said, given):
    with pytest.raises(UserError) as caught:
        read_limits(given | wrong, Limits)
    assert any(said in problem for problem in caught.value.problems), caught.value.problems
    assert len(caught.value.problems) >= len(wrong)


@pytest.mark.parametrize("time", ["-", "1:2:3:4", "0", "1-", "x-1"])
def test_no_time(time):
    with pytest.raises(ValueError, match="|".join(("invalid literal", re.escape(time))) or None):
        minutes(time)


@pytest.mark.parametrize(
    ("trainer", "keys", "said"),
    [
        ({"devices": "auto"}, {}, "trainer.devices must be a number"),
        ({"devices": -1}, {}, "trainer.devices must be a number"),
        ({"devices": 4}, {"gpus": 2}, "needs as many GPUs"),
        ({"devices": 1, "num_nodes": 1}, {"nodes": 2}, "needs trainer.num_nodes=2"),
    ],
)
def test_shapes_that_cannot_be(trainer, keys, said, given, compose):
    config = compose(*(f"trainer.{key}={value}" for key, value in trainer.items()))
    with pytest.raises(UserError, match=said):
        shape_of(config, read_limits(given | keys, Limits))
