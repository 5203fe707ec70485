"""Linear layers by oneDNN in float32, where torch's own products are slower: on CPUs made by AMD."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

_ROWS = 128  # below, and with smaller weights, a convolution's own preparations cost what it saves
_WEIGHTS = 2**16
_LAYOUT_ROWS = 1024  # rows of the values that a layout is chosen for


def conv_linear(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``torch.nn.functional.linear`` by a convolution of width 1, which is the same product.

    torch multiplies float32 on an x86 CPU by MKL, which leaves AVX-512 aside where Intel did not make the CPU; its
    convolutions go by oneDNN, which does not. On an AMD EPYC with AVX-512 they are twice as fast, forward and
    backward; with AVX2 alone, a tenth. A single thread would leave oneDNN aside for a kernel of one pixel, unless it is
    dilated; across a height of 1 that changes nothing.

    Shape:
        values (…, N, in), weight (out, in), bias (out); returns (…, N, out).
    """
    *sizes, width = values.shape
    pixels = values.reshape(1, 1, -1, width).permute(0, 3, 1, 2)  # channels last: no value is moved
    product = nn.functional.conv2d(pixels, weight[:, :, None, None], bias, dilation=(2, 1))
    return product.permute(0, 2, 3, 1).reshape(*sizes, weight.shape[0])


class PrepackedWeight:
    """A weight that nobody trains, laid out once as oneDNN multiplies it instead of in every product.

    The layout is made when it is first needed, and again when the weight has changed.

    Copies of the module that holds it share it; a pickled one is made anew.
    """

    def __init__(self) -> None:
        self._made: tuple[tuple[int, int], Tensor] | None = None

    def linear(self, values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """``torch.nn.functional.linear``, without a gradient.

        Shape:
            values (…, N, in) float32 on the CPU; weight (out, in), bias (out); returns (…, N, out).
        """
        content = weight.data_ptr(), 0 if weight.is_inference() else weight._version  # an inference tensor counts none
        made = self._made
        if made is None or made[0] != content:
            made = content, torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _LAYOUT_ROWS)
            self._made = made
        return torch.ops.mkldnn._linear_pointwise(values, made[1], bias, "none", [], "")

    def __deepcopy__(self, memo: object) -> PrepackedWeight:
        return self

    def __reduce__(self) -> tuple[type[PrepackedWeight], tuple[()]]:
        return PrepackedWeight, ()


@cache
def can_prepack() -> bool:
    """Whether this torch has the operators that its compiler uses for it, and they give the product."""
    generator = torch.Generator().manual_seed(0)
    values, weight, bias = (torch.randn(*shape, generator=generator) for shape in ((3, 48), (32, 48), (32,)))
    try:
        with torch.no_grad():
            found = PrepackedWeight().linear(values, weight, bias)
    except (AttributeError, RuntimeError, TypeError):  # they are not part of torch's public interface
        return False
    return found.shape == (3, 32) and torch.allclose(found, values @ weight.t() + bias, atol=1e-4)


class ConvLinear(nn.Linear):
    """``nn.Linear`` by oneDNN, for many rows on a CPU whose products are to be float32.

    Weights that are trained are multiplied by :func:`conv_linear`, frozen ones from a layout that is made once.
    """

    def __init__(self, in_features: int, out_features: int, **options: Any) -> None:  # noqa: ANN401
        super().__init__(in_features, out_features, **options)
        self._prepacked = PrepackedWeight()

    @classmethod
    def like(cls, linear: nn.Linear) -> ConvLinear:
        """One with another layer's parameters."""
        made = cls(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        made.weight, made.bias = linear.weight, linear.bias
        return made

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Multiply.

        Shape:
            input (…, in); returns (…, out).
        """
        if self._is_large(input) and not self._is_reduced(input):
            if self._is_constant(input) and can_prepack():
                return self._prepacked.linear(input, self.weight, self.bias)
            return conv_linear(input, self.weight, self.bias)
        return super().forward(input)

    def _is_constant(self, values: Tensor) -> bool:
        """Whether nobody trains the layer, or asks for a gradient that goes through it."""
        trained = self.weight.requires_grad or (self.bias is not None and self.bias.requires_grad)
        return not trained and not (torch.is_grad_enabled() and values.requires_grad)

    def _is_reduced(self, values: Tensor) -> bool:
        """Whether torch is to multiply in bfloat16, which it does by oneDNN itself."""
        return torch.is_autocast_enabled(values.device.type) or torch.get_float32_matmul_precision() == "medium"

    def _is_large(self, values: Tensor) -> bool:
        is_float = values.dtype == self.weight.dtype == torch.float32 and values.device.type == "cpu"
        rows = values.numel() // self.in_features
        return is_float and rows >= _ROWS and self.weight.numel() >= _WEIGHTS


@cache
def is_conv_faster() -> bool:
    """Whether torch multiplies float32 by MKL here, and the CPU is AMD's."""
    return torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available() and "AuthenticAMD" in _cpu()


def _cpu() -> str:
    described = Path("/proc/cpuinfo")
    return described.read_text() if described.is_file() else platform.processor()
