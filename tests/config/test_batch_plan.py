"""The effective batch stays the same under any number of devices, or the config says why it cannot."""

from __future__ import annotations

import pytest

from poolsweep.config.batch_plan import batch_plan, batch_problems


def config(*, effective: int | None, batch: int, devices: int = 1, nodes: int = 1, accumulate: int = 1) -> dict:
    return {
        "data": {"batch_size": batch, "effective_batch_size": effective},
        "trainer": {"devices": devices, "num_nodes": nodes, "accumulate_grad_batches": accumulate},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("devices", "nodes", "expected"),
    [(1, 1, (32, 4)), (2, 1, (32, 2)), (4, 1, (32, 1)), (8, 1, (16, 1)), (4, 4, (8, 1))],
)
def test_the_effective_batch_is_kept(devices, nodes, expected):
    given = config(effective=128, batch=32, devices=devices, nodes=nodes)
    assert batch_problems(given) == []
    plan = batch_plan(given)
    assert (plan.per_device, plan.accumulated) == expected
    assert plan.effective == 128


def test_without_it_devices_multiply_the_batch():
    plan = batch_plan(config(effective=None, batch=32, devices=2, accumulate=3))
    assert (plan.per_device, plan.accumulated, plan.effective) == (32, 3, 192)


def test_what_does_not_divide_is_named_with_its_keys():
    [problem] = batch_problems(config(effective=100, batch=32, devices=3))
    assert problem == (
        "data.effective_batch_size=100 cannot be divided among 3 devices (trainer.devices=3 × trainer.num_nodes=1)"
    )
    [problem] = batch_problems(config(effective=96, batch=20, devices=2))
    assert problem == (
        "data.effective_batch_size=96 gives each of 2 devices 48, which data.batch_size=20 does not divide; "
        "data.batch_size=16 does"
    )
    [problem] = batch_problems(config(effective=64, batch=32, accumulate=2))
    assert "leave one of them out" in problem


def test_options_that_count_steps_count_parts():
    plan = batch_plan(config(effective=None, batch=8, accumulate=3))
    assert plan.options(1, rows=50, validate_every=0.5) == {"accumulate_grad_batches": 3, "val_check_interval": 0.5}
    assert plan.options(4, rows=50, validate_every=0.5) == {"accumulate_grad_batches": 12, "val_check_interval": 12}
    assert plan.options(4, rows=50, validate_every=5) == {"accumulate_grad_batches": 12, "val_check_interval": 20}
    assert plan.options(4, rows=50, validate_every=1.0)["val_check_interval"] == 1.0
    assert plan.recorded(4) == {"effective": 24, "per_device": 2, "processes": 1, "accumulated": 12}
