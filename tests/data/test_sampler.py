"""The order of training rows."""

from __future__ import annotations

import torch

from poolsweep.data.sampler import EpochSampler


def order(size: int, *, seed: int, epoch: int = 0) -> list[int]:
    sampler = EpochSampler(size, seed=seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_every_row_once_and_another_order_each_epoch_and_seed():
    orders = {(seed, epoch): tuple(order(50, seed=seed, epoch=epoch)) for seed in range(3) for epoch in range(3)}
    assert all(sorted(found) == list(range(50)) for found in orders.values())
    assert len(set(orders.values())) == 9


def test_does_not_depend_on_global_random_state():
    torch.manual_seed(1)
    first = order(20, seed=0)
    torch.manual_seed(2)
    assert order(20, seed=0) == first
