"""What a config asks of the device."""

from __future__ import annotations

import pytest
import torch

from poolsweep.device import set_matmul_precision
from poolsweep.process.cpu_affinity import most_processes


@pytest.mark.parametrize(("precision", "in_convolutions"), [("high", True), ("medium", True), ("highest", False)])
def test_the_precision_of_products_is_explicit(precision: str, in_convolutions: bool):
    set_matmul_precision(precision)  # highest comes last, which is how every run starts
    assert torch.get_float32_matmul_precision() == precision
    assert torch.backends.cudnn.allow_tf32 is in_convolutions
    assert torch.backends.cuda.matmul.allow_tf32 is in_convolutions, "torch's compiler can still read it"


@pytest.mark.parametrize("typed", ["trainer.devices=1000", "data.num_workers=250"])
def test_more_processes_than_a_machine_can_hold_are_refused(cli, tiny_run, no_new_files, typed: str):
    done = cli("train", *tiny_run, typed)
    assert done.status == 2
    assert done.problems[0].startswith(typed.partition("=")[0]), done.err
    assert f"at most {most_processes()} " in done.err


def test_more_runs_at_once_than_a_machine_can_hold_are_refused(cli, tiny_run, no_new_files):
    done = cli("train", "-m", *tiny_run, "hydra/launcher=local", "hydra.launcher.runs_at_once=1000", "seed=0,1")
    assert done.status == 2
    assert "runs_at_once" in done.err
