"""Linear layers by oneDNN's convolution in float32, where torch's own are slower: on CPUs made by AMD."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from poolsweep.encoder.prepacked import PrepackedWeight, can_prepack
from poolsweep.encoder.swap import swap

_ROWS = 128  # below, and with smaller weights, a convolution's own preparations cost what it saves
_WEIGHTS = 2**16


def linear(values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``torch.nn.functional.linear`` by a convolution of width 1, which is the same product.

    torch multiplies float32 on an x86 CPU by MKL, which leaves AVX-512 aside where Intel did not make the CPU; its
    convolutions go by oneDNN, which does not. On an AMD EPYC with AVX-512 they are twice as fast, forward and
    backward; with AVX2 alone, a tenth.

    Shape:
        values (…, N, in), weight (out, in), bias (out); returns (…, N, out).
    """
    *sizes, width = values.shape
    pixels = values.reshape(1, 1, -1, width).permute(0, 3, 1, 2)  # channels last: no value is moved
    product = nn.functional.conv2d(pixels, weight[:, :, None, None], bias)
    return product.permute(0, 2, 3, 1).reshape(*sizes, weight.shape[0])


class QuickLinear(nn.Linear):
    """``nn.Linear`` by oneDNN, for many rows on a CPU whose products are to be float32.

    Weights that are trained are multiplied by :func:`linear`, frozen ones from a layout that is made once.
    """

    def __init__(self, in_features: int, out_features: int, **options: Any) -> None:  # noqa: ANN401
        super().__init__(in_features, out_features, **options)
        self._prepacked = PrepackedWeight()

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Multiply.

        Shape:
            input (…, in); returns (…, out).
        """
        if self._is_large(input) and not self._is_reduced(input):
            if self._is_constant(input) and can_prepack():
                return self._prepacked.linear(input, self.weight, self.bias)
            return linear(input, self.weight, self.bias)
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


def quicken_linear(model: nn.Module) -> None:
    """Swap every ``nn.Linear`` of a model for a ``QuickLinear`` with the same parameters, if this CPU gains by it."""
    if gains():
        swap(model, nn.Linear, _quick)


def _quick(child: nn.Linear) -> QuickLinear:
    quick = QuickLinear(child.in_features, child.out_features, bias=child.bias is not None, device="meta")
    quick.weight, quick.bias = child.weight, child.bias
    return quick


@cache
def gains() -> bool:
    """Whether torch multiplies float32 by MKL here, and the CPU is AMD's."""
    return torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available() and "AuthenticAMD" in _cpu()


def _cpu() -> str:
    described = Path("/proc/cpuinfo")
    return described.read_text() if described.is_file() else platform.processor()
