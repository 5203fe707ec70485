"""Best weights of a run of several processes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from poolsweep.callbacks.best_weights import BestWeights
from poolsweep.runs.records import DamagedError


def trainer(*, leads: bool) -> SimpleNamespace:
    return SimpleNamespace(is_global_zero=leads, strategy=SimpleNamespace(barrier=lambda: None))


def test_a_follower_that_resumed_reads_the_better_weights_that_came_after(tmp_path):
    path, module = tmp_path / "best.safetensors", torch.nn.Linear(2, 1)
    leader, follower = (BestWeights(path, monitor="val/accuracy") for _ in range(2))
    leader.save(trainer(leads=True), module)
    follower.load_state_dict(leader.state_dict())
    torch.nn.init.ones_(module.weight)
    for one, leads in ((leader, True), (follower, False)):
        one.save(trainer(leads=leads), module)
        other = torch.nn.Linear(2, 1)
        one.restore(other)
        assert torch.equal(other.weight, module.weight)


def test_weights_that_changed_since_a_checkpoint_are_not_read(tmp_path):
    module = torch.nn.Linear(2, 1)
    best = BestWeights(tmp_path / "best.safetensors", monitor="val/accuracy")
    best.save(trainer(leads=True), module)
    [path] = tmp_path.glob("best-*")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        best.restore(module)
