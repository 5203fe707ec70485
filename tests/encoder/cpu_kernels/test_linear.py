"""Linear layers by convolution: torch's products and gradients, where they are taken and where not."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from poolsweep.encoder import cpu_kernels
from poolsweep.encoder.cpu_kernels import linear, use_cpu_kernels
from poolsweep.encoder.cpu_kernels.linear import FastLinear, conv_linear


@pytest.fixture
def convolved(monkeypatch) -> list[torch.Size]:
    """Shapes of what has been multiplied by convolution, on a CPU that gains by it."""
    seen: list[torch.Size] = []

    def spy(values, weight, bias):
        seen.append(values.shape)
        return conv_linear(values, weight, bias)

    monkeypatch.setattr(linear, "conv_linear", spy)
    monkeypatch.setattr(cpu_kernels, "is_conv_faster", lambda: True)
    return seen


@pytest.mark.parametrize("shape", [(1, 131), (3, 50), (257,)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_products_and_gradients_are_those_of_torch(shape: tuple[int, ...], bias: bool):
    torch.manual_seed(0)
    values, wanted = torch.randn(*shape, 40, requires_grad=True), torch.randn(*shape, 24)
    layer = nn.Linear(40, 24, bias=bias)
    leaves = [values, *layer.parameters()]
    expected, found = layer(values), conv_linear(values, layer.weight, layer.bias)
    assert found.shape == expected.shape
    assert found.is_contiguous()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    pairs = (torch.autograd.grad(products, leaves, wanted) for products in (found, expected))
    for gradient, of_torch in zip(*pairs, strict=True):
        torch.testing.assert_close(gradient, of_torch, atol=1e-4, rtol=1e-4)


def test_a_model_keeps_its_parameters_names_and_modes(convolved):
    model = nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Sequential(nn.Linear(256, 256, bias=False))).eval()
    before, values = dict(model.named_parameters()), torch.randn(200, 256)
    expected = model(values)
    use_cpu_kernels(model, name="x")
    after = dict(model.named_parameters())
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    assert [type(module) for module in model.modules() if isinstance(module, nn.Linear)] == [FastLinear, FastLinear]
    assert not any(module.training for module in model.modules())
    torch.testing.assert_close(model(values), expected, atol=1e-5, rtol=1e-5)
    assert convolved == [(200, 256), (200, 256)]


def test_a_cpu_that_gains_nothing_keeps_torchs_layers(monkeypatch):
    monkeypatch.setattr(cpu_kernels, "is_conv_faster", lambda: False)
    monkeypatch.setattr(cpu_kernels, "can_prepack", lambda dtype: False)
    model = nn.Sequential(nn.Linear(256, 256))
    use_cpu_kernels(model, name="x")
    assert type(model[0]) is nn.Linear


@pytest.mark.parametrize("case", ["few rows", "small weights", "double", "autocast", "medium"])
def test_what_torch_does_better_is_left_to_it(case: str, convolved):
    width = 8 if case == "small weights" else 256
    model = nn.Sequential(nn.Linear(width, width))
    use_cpu_kernels(model, name="x")
    values = torch.randn(16 if case == "few rows" else 200, width)
    model, values = (model.double(), values.double()) if case == "double" else (model, values)
    torch.set_float32_matmul_precision("medium" if case == "medium" else "highest")
    try:
        with torch.autocast("cpu", torch.bfloat16) if case == "autocast" else nullcontext():
            found = model(values)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert found.dtype == {"double": torch.float64, "autocast": torch.bfloat16}.get(case, torch.float32)
    assert not convolved


@pytest.mark.parametrize(("described", "expected"), [("GenuineIntel", False), ("AuthenticAMD", True)])
def test_amd_alone_gains_by_it(described: str, expected: bool, monkeypatch):
    monkeypatch.setattr(linear, "is_made_by", lambda maker: maker in f"vendor_id\t: {described}\n")
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert linear.is_conv_faster.__wrapped__() is expected


@pytest.mark.parametrize("rows", [1, 2, 21])
def test_a_product_of_few_rows_with_many_is_torchs(rows, monkeypatch):
    monkeypatch.setattr(linear, "is_conv_faster", lambda: True)
    generator = torch.Generator().manual_seed(1)
    few, many = torch.randn(rows, 900, generator=generator), torch.randn(300, 900, generator=generator)
    near = {"atol": 1e-4, "rtol": 1e-4}  # oneDNN adds 384 numbers up one by one
    for some in (few[:, :384], few[:, 200:584]):
        torch.testing.assert_close(linear.few_times_many(some, many[:, :384]), some @ many[:, :384].T, **near)
        torch.testing.assert_close(linear.few_times_many(some[:, :300], many.T), some[:, :300] @ many, **near)
    double = few.double()
    torch.testing.assert_close(linear.few_times_many(double, many.double()), double @ many.double().T)
