"""A rate for each part, and decay for matrices alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim import SGD

from poolsweep.encoder.tiny import tiny
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


def electra_rates(lr: float, decay: float, depth: int) -> dict[str, float]:
    """The rate of each layer as ELECTRA's code has it (google-research/electra, model/optimization.py)."""
    depths = {"embeddings": 0, **{f"layer.{i}": i + 1 for i in range(depth)}}
    return {key: lr * decay ** (depth + 2 - place) for key, place in depths.items()}


@pytest.mark.parametrize("kept", [4, 2])
def test_rates_fall_from_layer_to_layer_as_in_electra_from_lr_at_the_top(kept: int):
    encoder = tiny(num_layers=4).encoder
    encoder.drop_pooler()
    encoder.keep_layers(kept)
    head = nn.Linear(3, 2)
    optimizer = adamw(encoder=encoder, pooling=nn.Identity(), head=[head], lr=1e-3, layer_decay=0.5, head_lr=1e-2)
    found = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    theirs = electra_rates(1e-3, 0.5, kept)
    highest = max(theirs.values())
    for name, parameter in encoder.named_parameters():
        [expected] = [rate for key, rate in theirs.items() if f".{key}." in name]
        assert found[id(parameter)] == pytest.approx(1e-3 * expected / highest), name
    assert found[id(head.weight)] == 1e-2
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len([*encoder.parameters()]) + 2


def test_the_schedule_scales_every_group():
    encoder = tiny(num_layers=3).encoder
    optimizer = adamw(encoder=encoder, pooling=nn.Identity(), head=[nn.Linear(3, 2)], layer_decay=0.9)
    initial = [group["lr"] for group in optimizer.param_groups]
    assert len(set(initial)) == 5, "premise: four blocks and a head"
    scheduler = schedule(optimizer, total_steps=10, warmup_ratio=0.2)
    for share in (0, 0.5, 1, 7 / 8, 6 / 8):
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([share * rate for rate in initial])
        optimizer.step()
        scheduler.step()


def test_one_rate_for_all_layers_makes_no_further_groups():
    encoder = tiny().encoder
    groups = [adamw(encoder=encoder, pooling=nn.Identity(), head=[], layer_decay=d).param_groups for d in (1.0, 0.9)]
    assert [len(found) for found in groups] == [2, 10]
