"""From the keys of ``trainer`` to where a process computes."""

from __future__ import annotations

import pytest
import torch

from poolsweep.distributed.trainer import device_of
from poolsweep.distributed.world import ALONE, World


@pytest.mark.parametrize(
    ("devices", "world", "expected"),
    [(1, ALONE, "cuda:0"), ([3], ALONE, "cuda:3"), ("3,", ALONE, "cuda:3"), (2, World(2, 1, 1), "cuda:1"),
     ([0, 3], World(2, 1, 1), "cuda:3"), (2, None, "cpu")],
)  # fmt: skip
def test_each_process_has_its_gpu_and_one_that_only_starts_others_has_none(devices, world, expected):
    assert device_of({"accelerator": "cuda", "devices": devices}, world) == torch.device(expected)
    assert device_of({"accelerator": "cpu", "devices": devices}, world) == torch.device("cpu")
