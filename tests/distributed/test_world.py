"""How many processes a run wants, and who has started them."""

from __future__ import annotations

import pytest

from poolsweep.config.processes import processes_of
from poolsweep.distributed.world import World, given_world, world_for
from poolsweep.errors import UserError

TORCHRUN = {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "GROUP_RANK": "0"}
SRUN = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NODEID": "1"}


@pytest.fixture
def world(compose):
    """The world of a run on some devices."""

    def of(devices: int, *overrides: str) -> World | None:
        return world_for(compose(f"trainer.devices={devices}", "trainer.accelerator=cpu", *overrides))

    return of


@pytest.fixture
def environment(monkeypatch):
    for name in (*TORCHRUN, *SRUN):
        monkeypatch.delenv(name, raising=False)

    def set_all(content: dict[str, str]) -> None:
        for name, value in content.items():
            monkeypatch.setenv(name, value)

    return set_all


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, 1), ({"devices": 2}, 2), ({"devices": "2", "num_nodes": 3}, 6), ({"devices": [4, 5, 6]}, 3),
     ({"devices": "0,3"}, 2), ({"devices": "auto"}, 1), ({"devices": -1}, 1)],
)  # fmt: skip
def test_processes_of_a_config(given, expected):
    assert processes_of({"accelerator": "cpu", **given}) == expected


def test_nobody_has_started_processes(environment, world):
    assert given_world() is None
    assert world(1) == World()
    assert world(2) is None
    with pytest.raises(UserError, match=r"ask for 4 processes on 2 machines, and nothing has started them"):
        world(2, "trainer.num_nodes=2")


def test_torchrun(environment, world):
    environment(TORCHRUN)
    assert world(2) == World(size=2, rank=1, local_rank=1, node=0)
    with pytest.raises(UserError, match=r"ask for 3 processes, and 2 were started"):
        world(3)


def test_srun(environment, world):
    environment(SRUN)
    assert world(2, "trainer.num_nodes=2") == World(size=4, rank=3, local_rank=1, node=1)
    with pytest.raises(UserError, match="4 were started"):
        world(2)


def test_a_run_on_one_device_is_alone_whatever_was_started_beside_it(environment, world):
    environment(SRUN)
    assert world(1) == World()
    assert world(1, "trainer=probe", "encoder.frozen=true") == World()


def test_a_batch_script_of_several_tasks_is_one_process(environment):
    """Outside of srun, SLURM_NTASKS speaks of processes that are not there; Lightning would wait for them for ever."""
    environment({"SLURM_NTASKS": "2", "SLURM_PROCID": "0", "SLURM_JOB_ID": "7"})
    assert given_world() is None
