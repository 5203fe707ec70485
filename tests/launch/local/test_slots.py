"""Cores and GPUs are divided so that no two runs share one while there are enough."""

from __future__ import annotations

import pytest

from poolsweep.launch.local.launch import slots_for
from poolsweep.launch.local.slots import Slot, make_slots, visible_gpus


def slots(cores: int, gpus: str = "", *, each: int = 1, at_once: int | None = None, per_gpu: int = 1) -> list[Slot]:
    return make_slots(
        cores=range(cores), gpus=list(gpus), gpus_per_run=each, runs_at_once=at_once, runs_per_gpu=per_gpu
    )


def test_cores_are_divided_without_overlap():
    for cores in (1, 2, 3, 8, 17):
        for at_once in range(1, cores + 1):
            shares = [slot.cores for slot in slots(cores, at_once=at_once)]
            assert sorted(core for share in shares for core in share) == list(range(cores))
            assert max(map(len, shares)) - min(map(len, shares)) <= 1
            assert [slot.threads for slot in slots(cores, at_once=at_once)] == list(map(len, shares))


def test_more_runs_than_cores_take_turns_with_one_thread_each():
    assert [(slot.cores, slot.threads) for slot in slots(2, at_once=3)] == [((0,), 1), ((1,), 1), ((0,), 1)]


@pytest.mark.parametrize(("cores", "runs"), [(1, 1), (2, 2), (3, 2), (4, 2), (8, 4), (64, 32)])
def test_without_a_gpu_a_run_has_two_cores_if_it_can(cores: int, runs: int):
    assert len(slots(cores)) == runs


def test_gpus_go_to_one_run_each_or_are_shared_if_asked():
    assert [slot.gpus for slot in slots(8, "0123")] == [("0",), ("1",), ("2",), ("3",)]
    assert [slot.gpus for slot in slots(8, "01234", each=2)] == [("0", "1"), ("2", "3")], "the odd one has no partner"
    assert [slot.gpus for slot in slots(8, "01", per_gpu=2)] == [("0",), ("1",), ("0",), ("1",)]
    assert [slot.gpus for slot in slots(8, "01", at_once=3)] == [("0",), ("1",), ("0",)]
    assert [slot.cores for slot in slots(4, "01")] == [(0, 1), (2, 3)]


def test_the_environment_of_a_worker():
    before = {"HOME": "/h", "CUDA_VISIBLE_DEVICES": "3,4", "MKL_NUM_THREADS": "7"}
    found = Slot((0, 1), 2, ("4",)).environment(before)
    assert found["CUDA_VISIBLE_DEVICES"] == "4"
    assert (found["OMP_NUM_THREADS"], found["MKL_NUM_THREADS"], found["HOME"]) == ("2", "7", "/h")
    assert Slot((0,), 1).environment(before)["CUDA_VISIBLE_DEVICES"] == "3,4", "a run on the CPU: left alone"


def test_visible_gpus_keep_their_names():
    def visible(count: int, named: str | None = None, chosen: list[int] | None = None) -> list[str]:
        environment = {} if named is None else {"CUDA_VISIBLE_DEVICES": named}
        return visible_gpus(count=count, chosen=chosen, environment=environment)

    assert visible(3) == ["0", "1", "2"]
    assert visible(3, chosen=[2, 0]) == ["2", "0"]
    assert visible(2, "6, GPU-8a3f") == ["6", "GPU-8a3f"]
    assert visible(1, "6,99") == ["6"], "torch stops at the first that is not there"
    assert visible(2, "6,7", [1]) == ["7"]
    assert visible(0, "") == []
    with pytest.raises(ValueError, match="names GPU 7, and torch sees 2 here"):
        visible(2, chosen=[7])
    with pytest.raises(ValueError, match="names GPU 2, and CUDA_VISIBLE_DEVICES=6,7"):
        visible(2, "6,7", [2])


def test_a_sweep_of_probes_alone_names_no_devices():
    found = slots_for([], accelerator="cpu", runs_at_once=2, runs_per_gpu=1, gpus=None)
    assert [slot.gpus for slot in found] == [None, None]
