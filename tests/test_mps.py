"""Apple's MPS: what is refused, that nothing on it is in float64, and, on a Mac, what a run on it gives."""

from __future__ import annotations

import json
import platform

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from poolsweep import device
from poolsweep.callbacks.random_state import random_states, restore_random_states
from poolsweep.config.machine import device_problems
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.status import StatusFile
from poolsweep.training.build import build
from poolsweep.training.prepare import prepare

_ASKED = {torch.ops.aten._local_scalar_dense.default: False, torch.ops.aten.equal.default: True}
POOLINGS = ("cls", "masked_mean", "max", "last4_weighted_sum", "cls_attention", "self_attentive")


class NoFloat64(TorchDispatchMode):
    """Refuses every result in float64 on the device ``meta``, which stands for MPS: it has no memory, only types."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func in _ASKED and args[0].device.type == "meta":
            return _ASKED[func]  # there is nothing to look at
        if func is torch.ops.aten._to_copy.default and str((kwargs or {}).get("device")) == "cpu":
            return torch.ones(args[0].shape, dtype=kwargs.get("dtype") or args[0].dtype)  # what is copied has no values
        found = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(found):
            if isinstance(tensor, Tensor) and tensor.device.type == "meta" and tensor.dtype == torch.float64:
                raise TypeError(f"{func} gives float64")
        return found


@pytest.fixture
def meta_without_float64(monkeypatch):
    monkeypatch.setattr(device, "_WITHOUT_FLOAT64", {"mps", "meta"})


@pytest.mark.parametrize("kind", ["siamese", "multilabel", "regression", "weighted"])
def test_no_task_computes_in_float64_on_the_device(compose, run_of, tmp_path, meta_without_float64, kind):
    require_no_float64(compose(*run_of(kind), "trainer.max_epochs=1"), tmp_path)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_no_pooling_computes_in_float64_on_the_device(compose, tiny_run, tmp_path, meta_without_float64, pooling):
    require_no_float64(compose(*tiny_run, "encoder.num_layers=4", f"pooling={pooling}"), tmp_path)


def require_no_float64(config, folder) -> None:
    """One forward and one backward pass on ``meta``, padded, as MPS may run it."""
    status = StatusFile(RunFolder(folder), name="", run_id="0", lock=None)
    run = build(config, prepare(config), folder=RunFolder(folder), run_id="0", status=status)
    run.data.setup("fit")
    batch = next(iter(run.data.train_dataloader()))
    classifier = run.classifier.to("meta")
    tensors = [*classifier.parameters(), *classifier.buffers()]
    assert all(tensor.dtype != torch.float64 for tensor in tensors), "moving it would fail"
    with NoFloat64():
        classifier.loss_of(batch.to("meta")).backward()


def test_what_has_no_float64_is_computed_on_the_cpu_or_in_float32(monkeypatch):
    tensor = torch.tensor([0.1, 1 / 3], dtype=torch.float64)
    assert device.on_device(tensor, "cpu").dtype == torch.float64
    assert device.in_float64(tensor.float()).dtype == torch.float64
    assert device.device_for_float64("cpu") == torch.device("cpu")
    monkeypatch.setattr(device, "accelerator_type", lambda accelerator: accelerator)
    assert device.device_for_float64("mps") == torch.device("cpu")
    assert device.device_for_float64("cuda") == torch.device("cuda")
    monkeypatch.setattr(device, "_WITHOUT_FLOAT64", {"cpu"})
    assert device.on_device(tensor, "cpu").dtype == torch.float32
    assert device.on_device(torch.tensor([1]), "cpu").dtype == torch.int64


@pytest.mark.parametrize(
    ("trainer", "machine", "problem"),
    [
        ({"precision": "64-true"}, "arm64", "precision=64-true: MPS has no float64; trainer.accelerator=cpu has"),
        ({"precision": "bf16-mixed"}, "x86_64", "precision=bf16-mixed: this Mac's GPU has no bfloat16; use 16-mixed"),
        ({"devices": 2}, "arm64", "devices=2: a Mac has one MPS device; trainer.devices=1"),
        ({"precision": "bf16-mixed"}, "arm64", None),
        ({"precision": "16-mixed", "devices": "auto"}, "arm64", None),
    ],
)  # fmt: skip
def test_what_a_mac_does_not_do_is_refused_by_name(monkeypatch, trainer, machine, problem):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert device_problems({"accelerator": "mps", **trainer}) == ([] if problem is None else [f"trainer.{problem}"])


@pytest.mark.mps
@pytest.mark.parametrize("precision", ["32", "bf16-mixed", "16-mixed"])
def test_a_run_on_mps_is_that_on_the_cpu(cli, tiny_run, outputs, precision):
    typed = ["train", *tiny_run, "encoder.dropout=0", f"trainer.precision={precision}", "encoder.packing=auto"]
    losses = []
    for accelerator in ("cpu", "mps"):
        done = cli(*typed, f"trainer.accelerator={accelerator}", f"study={accelerator}")
        assert done.status == 0, done.err
        [result] = (outputs / accelerator).glob("*/result.json")
        losses.append(json.loads(result.read_text())["metrics"]["test/loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-3 if precision == "32" else 0.05)


@pytest.mark.mps
@pytest.mark.parametrize("trainer", ["default", "probe"])
def test_a_frozen_encoder_on_mps_gives_the_features_of_the_cpu(cli, tiny_run, outputs, animals, trainer):
    kept = [one for one in tiny_run if trainer == "default" or not one.startswith("trainer.")]
    typed = ["train", *kept, "encoder.frozen=true", f"trainer={trainer}", "pooling=masked_mean"]
    for accelerator in ("cpu", "mps"):
        done = cli(*typed, f"trainer.accelerator={accelerator}", f"study={accelerator}")
        assert done.status == 0, done.err
    predicted = [cli("predict", name, "--input", str(animals), "--device", name).out for name in ("cpu", "mps")]
    assert predicted[0].count("\n") == predicted[1].count("\n") > 10


@pytest.mark.mps
def test_the_generator_of_mps_goes_on_where_it_was():
    states = random_states()
    first = torch.rand(3, device="mps").cpu()
    restore_random_states(states)
    assert torch.equal(torch.rand(3, device="mps").cpu(), first)
