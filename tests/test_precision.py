"""A training step in half precision is that in float32, up to rounding; on CPUs and on CUDA."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from poolsweep.config import RunConfig
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.build import build
from poolsweep.training.fit import TrainingRun
from poolsweep.training.prepare import prepare

EVERYWHERE = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


class Step(pl.Callback):
    """Takes down what the first step of the optimizer is made of, after the loss scaler has been taken out."""

    def __init__(self) -> None:
        self.gradients: dict[str, Tensor] = {}

    def on_before_optimizer_step(self, trainer, pl_module, optimizer) -> None:
        self.gradients = {n: p.grad.double().cpu() for n, p in pl_module.named_parameters() if p.grad is not None}


def first_step(content: RunConfig, folder: Path) -> tuple[float, dict[str, Tensor]]:
    """Loss and gradients of the first step of a run."""
    quiet_third_parties()
    status = StatusFile(RunFolder(folder), name="", run_id="0", lock=None)
    run = build(content, prepare(content), folder=RunFolder(folder), run_id="0", status=status)
    assert isinstance(run, TrainingRun)
    step = Step()
    run.trainer.callbacks.append(step)
    run.trainer.fit(run.classifier, datamodule=run.data)
    return float(run.trainer.logged_metrics["train/loss"]), step.gradients


@pytest.fixture
def content(compose, tiny_run):
    """The config of one step on 16 rows, of lengths that differ, without dropout."""

    def of(precision: str, accelerator: str) -> RunConfig:
        return compose(
            *tiny_run, f"trainer.precision={precision}", f"trainer.accelerator={accelerator}", "+trainer.max_steps=1",
            "+trainer.limit_val_batches=0", "trainer.log_every_n_steps=1", "encoder.dropout=0", "callbacks=none",
            "trainer.gradient_clip_val=null", "encoder.packing=auto",
        )  # fmt: skip

    return of


@pytest.mark.parametrize("accelerator", EVERYWHERE)
@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed", "bf16-true"])
def test_a_step_in_half_precision_is_that_in_float32(precision, accelerator, content, tmp_path):
    loss, gradients = first_step(content("32", accelerator), tmp_path / "float32")
    found, halves = first_step(content(precision, accelerator), tmp_path / "half")
    assert found == pytest.approx(loss, rel=0.02)
    assert halves.keys() == gradients.keys()
    whole, half = (torch.cat([g[n].flatten() for n in sorted(gradients)]) for g in (gradients, halves))
    assert whole.norm() > 0.1, "premise: a scale that was left in would show"
    assert not torch.equal(whole, half), "premise: it was another precision"
    assert (half - whole).norm() < 0.05 * whole.norm()


@pytest.mark.parametrize("precision", ["bf16-true", "64-true"])
@pytest.mark.parametrize("pooling", ["bert_attention", "elmo"])
def test_layers_are_mixed_in_the_precision_that_standardising_reads(pooling, precision, cli, tiny_run):
    done = cli("train", *tiny_run, "encoder.frozen=true", f"pooling={pooling}", f"trainer.precision={precision}",
               "trainer.max_epochs=1")  # fmt: skip
    assert done.status == 0, done.err


@pytest.mark.gpu
def test_on_cuda_a_step_is_that_on_the_cpu(content, tmp_path):
    on_cpu, on_cuda = (first_step(content("32", device), tmp_path / device) for device in ("cpu", "cuda"))
    assert on_cuda[0] == pytest.approx(on_cpu[0], rel=1e-5)
    for name, gradient in on_cpu[1].items():
        torch.testing.assert_close(on_cuda[1][name], gradient, atol=1e-5, rtol=1e-4, msg=name)
