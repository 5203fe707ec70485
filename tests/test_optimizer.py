"""A rate for each part, and decay for matrices alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim import SGD

from poolsweep.optimizer import adamw
from poolsweep.scheduler import schedule


def test_groups_have_their_rate_and_decay():
    encoder = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3))
    head = nn.Linear(3, 2)
    pooling = nn.Linear(3, 3, bias=False)
    rates = {"lr": 1e-5, "pooling_lr": 1e-4, "head_lr": 1e-3}
    optimizer = adamw(encoder=encoder, pooling=pooling, head=[head], weight_decay=0.1, **rates)
    found = {p: (group["lr"], group["weight_decay"]) for group in optimizer.param_groups for p in group["params"]}
    assert found == {
        encoder[0].weight: (1e-5, 0.1), encoder[0].bias: (1e-5, 0.0),
        encoder[1].weight: (1e-5, 0.0), encoder[1].bias: (1e-5, 0.0),
        pooling.weight: (1e-4, 0.1), head.weight: (1e-3, 0.1), head.bias: (1e-3, 0.0),
    }  # fmt: skip


def test_a_frozen_encoder_and_frozen_parameters_are_left_out():
    head = nn.Linear(3, 2)
    head.bias.requires_grad_(False)
    optimizer = adamw(encoder=None, pooling=nn.Identity(), head=[head])
    assert [p for group in optimizer.param_groups for p in group["params"]] == [head.weight]


def rates(shape: str, *, steps: int, warmup: float) -> list[float]:
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = schedule(optimizer, total_steps=steps, shape=shape, warmup_ratio=warmup)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_schedules():
    assert rates("linear", steps=10, warmup=0.2) == pytest.approx(
        [0, 0.5, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]
    )
    assert rates("constant", steps=5, warmup=0.4) == pytest.approx([0, 0.5, 1, 1, 1])
    cosine = rates("cosine", steps=10, warmup=0)
    assert cosine[0] == pytest.approx(1)
    assert cosine[5] == pytest.approx(0.5)
