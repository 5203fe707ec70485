"""From the keys of ``trainer`` to where a process computes."""

from __future__ import annotations

import pytest
import torch

from poolsweep.distributed.device import device_of
from poolsweep.distributed.world import ALONE, World


@pytest.mark.parametrize(
    ("devices", "world", "expected"),
    [(1, ALONE, "cuda:0"), ([3], ALONE, "cuda:3"), ("3,", ALONE, "cuda:3"), (2, World(2, 1, 1), "cuda:1"),
     ([0, 3], World(2, 1, 1), "cuda:3"), (2, None, "cpu")],
)  # fmt: skip
def test_each_process_has_its_gpu_and_one_that_only_starts_others_has_none(devices, world, expected, compose):
    typed = f"trainer.devices='{devices}'" if isinstance(devices, str) else f"trainer.devices={devices}"
    on = {kind: compose(f"trainer.accelerator={kind}", typed) for kind in ("cuda", "cpu")}
    assert device_of(on["cuda"], world) == torch.device(expected)
    assert device_of(on["cpu"], world) == torch.device("cpu")
