"""Frozen weights laid out once: torch's products, made anew when the weight changes, never where gradients pass."""

from __future__ import annotations

import pickle

import pytest
import torch
from torch import nn

from poolsweep.encoder.cpu_kernels import linear
from poolsweep.encoder.cpu_kernels.linear import FastLinear, PrepackedWeight, can_prepack

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")


@pytest.fixture
def frozen() -> FastLinear:
    torch.manual_seed(0)
    return FastLinear(256, 320).requires_grad_(requires_grad=False)


@pytest.fixture
def prepacked(monkeypatch) -> list[torch.Size]:
    """Shapes of what has been multiplied from a layout."""
    assert can_prepack(torch.float32), "premise, and asked before the spy sees it"
    seen: list[torch.Size] = []
    real = PrepackedWeight.linear

    def spy(self, values, weight, bias):
        seen.append(values.shape)
        return real(self, values, weight, bias)

    monkeypatch.setattr(PrepackedWeight, "linear", spy)
    return seen


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_this_torch_has_the_operators(mode):
    with mode():
        assert can_prepack.__wrapped__(torch.float32)


@pytest.mark.parametrize("shape", [(128,), (1, 131), (3, 50), (1, 1500)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_products_are_those_of_torch(shape: tuple[int, ...], bias: bool, prepacked):
    torch.manual_seed(0)
    layer = FastLinear(256, 320, bias=bias).requires_grad_(requires_grad=False)
    values = torch.randn(*shape, 256)
    expected = torch.nn.functional.linear(values, layer.weight, layer.bias)
    for mode in (torch.no_grad, torch.inference_mode, torch.enable_grad):
        with mode():
            found = layer(values)
        assert found.shape == expected.shape
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert prepacked == [values.shape] * 3


def test_rows_of_a_view_count_as_what_they_are(frozen, prepacked):
    values = torch.randn(256, 300).t()
    torch.testing.assert_close(frozen(values), values @ frozen.weight.t() + frozen.bias, atol=1e-5, rtol=1e-5)
    assert prepacked


@pytest.mark.parametrize("change", ["in place", "another", "moved"])
def test_a_changed_weight_is_laid_out_anew(change: str, frozen):
    values = torch.randn(200, 256)
    before = frozen(values)
    new = torch.randn(320, 256)
    if change == "in place":
        frozen.weight.copy_(new)
    elif change == "another":
        frozen.weight = torch.nn.Parameter(new, requires_grad=False)
    else:
        frozen.double().weight.copy_(new)
        frozen.float()
    found = frozen(values)
    assert not torch.allclose(found, before, atol=1e-2), "premise: the change shows"
    torch.testing.assert_close(found, values @ new.t() + frozen.bias, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("trained", ["weight", "bias", "values"])
def test_where_gradients_pass_nothing_is_laid_out(trained: str, frozen, prepacked):
    values = torch.randn(200, 256)
    leaf = values if trained == "values" else getattr(frozen, trained)
    leaf.requires_grad_()
    frozen(values).sum().backward()
    assert not prepacked
    assert leaf.grad is not None
    assert leaf.grad.abs().sum() > 0


def test_a_torch_without_the_operators_convolves(frozen, prepacked, monkeypatch):
    monkeypatch.setattr(linear, "can_prepack", lambda dtype: False)
    values = torch.randn(200, 256)
    torch.testing.assert_close(frozen(values), values @ frozen.weight.t() + frozen.bias, atol=1e-5, rtol=1e-5)
    assert not prepacked


@pytest.mark.parametrize("error", [AttributeError, RuntimeError, NotImplementedError, TypeError])
def test_operators_that_fail_are_not_used(error, monkeypatch):
    def fail(*args):
        raise error

    monkeypatch.setattr(PrepackedWeight, "linear", fail)
    assert not can_prepack.__wrapped__(torch.float32)


def test_a_wrong_product_is_not_used(monkeypatch):
    monkeypatch.setattr(PrepackedWeight, "linear", lambda self, values, weight, bias: values @ weight.t())
    assert not can_prepack.__wrapped__(torch.float32)


def test_a_layer_that_was_used_can_be_pickled(frozen):
    values = torch.randn(200, 256)
    expected = frozen(values)
    torch.testing.assert_close(pickle.loads(pickle.dumps(frozen))(values), expected, atol=0, rtol=0)


@pytest.fixture
def bfloat16(monkeypatch) -> list[torch.dtype]:
    """Types of what has been multiplied from a layout, on a CPU that lays bfloat16 weights out."""
    if not can_prepack(torch.bfloat16):
        pytest.skip("oneDNN gives other bits here than torch in bfloat16, or none")
    seen: list[torch.dtype] = []
    real = PrepackedWeight.linear
    monkeypatch.setattr(
        PrepackedWeight,
        "linear",
        lambda self, values, *given: (seen.append(values.dtype), real(self, values, *given))[1],
    )
    return seen


def plain(layer: FastLinear) -> nn.Linear:
    """The same parameters in torch's own layer."""
    torchs = nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None)
    torchs.load_state_dict(layer.state_dict())
    return torchs


@pytest.mark.parametrize("rows", [128, 131, 1000, 2500])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("convolves", [True, False])
def test_under_autocast_every_bit_is_torchs(rows: int, bias: bool, convolves: bool, bfloat16):
    torch.manual_seed(0)
    layer, values = FastLinear(384, 1536, bias=bias, convolves=convolves), torch.randn(rows, 384)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(values), plain(layer)(values))
    assert bfloat16 == [torch.bfloat16]


def test_a_model_held_in_bfloat16_is_laid_out_too(bfloat16):
    layer, values = FastLinear(256, 320).bfloat16(), torch.randn(200, 256).bfloat16()
    with torch.no_grad():
        assert torch.equal(layer(values), plain(layer).bfloat16()(values))
    assert bfloat16 == [torch.bfloat16]


def test_another_type_is_laid_out_anew(frozen, bfloat16):
    values, torchs = torch.randn(200, 256), plain(frozen)
    for _ in range(2):
        torch.testing.assert_close(frozen(values), torchs(values), atol=1e-5, rtol=1e-5)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(frozen(values), torchs(values))


@pytest.mark.parametrize("step", ["optimizer", "data", "loaded"])
def test_a_trained_weight_is_evaluated_as_it_is(step: str, bfloat16):
    torch.manual_seed(0)
    layer, values = FastLinear(256, 320), torch.randn(200, 256)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, fused=True)

    def evaluated() -> torch.Tensor:
        layer.eval()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            found = layer(values)
            assert torch.equal(found, plain(layer)(values))
        layer.train()
        return found

    before = evaluated()
    if step == "optimizer":
        with torch.autocast("cpu", torch.bfloat16):
            layer(values).float().sum().backward()
        assert layer._prepacked._made is None, "training holds no second copy"
        optimizer.step()
    elif step == "data":  # which no version counts, as callbacks that swap weights do
        layer.weight.data.mul_(2)
    else:
        layer.load_state_dict({name: 2 * value for name, value in layer.state_dict().items()})
    assert not torch.equal(evaluated(), before)
    assert len(bfloat16) == 2


def test_compiled_code_lays_nothing_out(frozen, prepacked):
    values = torch.randn(200, 256)
    compiled = torch.compile(frozen, backend="eager")
    torch.testing.assert_close(compiled(values), values @ frozen.weight.t() + frozen.bias, atol=1e-5, rtol=1e-5)
    assert not prepacked
