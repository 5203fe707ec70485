"""Linear layers by oneDNN: float32 on AMD's CPUs, where torch's own products are slower; weights laid out once."""

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
    """A weight that stays for now, laid out once as oneDNN multiplies it instead of in every product.

    Under autocast that is a layout of its bfloat16 copy, which torch would make anew for every batch. The layout is
    made when it is first needed, and again when the weight has changed.

    Copies of the module that holds it share it; a pickled one is made anew.
    """

    def __init__(self) -> None:
        self._made: tuple[tuple[int, int, torch.dtype], Tensor, Tensor | None] | None = None

    def linear(self, values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """``torch.nn.functional.linear`` in the type of the values, without a gradient.

        Shape:
            values (…, N, in) float32 or bfloat16 on the CPU; weight (out, in), bias (out); returns (…, N, out).
        """
        version = 0 if weight.is_inference() else weight._version  # an inference tensor counts none
        content = weight.data_ptr(), version, values.dtype
        made = self._made
        if made is None or made[0] != content:
            laid_out = torch.ops.mkldnn._reorder_linear_weight(weight.detach().to(values.dtype), _LAYOUT_ROWS)
            made = content, laid_out, None if bias is None else bias.detach().to(values.dtype)
            self._made = made
        return torch.ops.mkldnn._linear_pointwise(values, made[1], made[2], "none", [], "")

    def clear(self) -> None:
        """Forget the layout: the weight is about to change."""
        self._made = None

    def __deepcopy__(self, memo: object) -> PrepackedWeight:
        return self

    def __reduce__(self) -> tuple[type[PrepackedWeight], tuple[()]]:
        return PrepackedWeight, ()


@cache
def can_prepack(dtype: torch.dtype) -> bool:
    """Whether this torch has the operators that its compiler uses for it, and they give the product.

    Args:
        dtype: Type of the product; in bfloat16 every bit must be that of torch's own.
    """
    generator = torch.Generator().manual_seed(0)
    values, weight, bias = (
        torch.randn(*shape, generator=generator).to(dtype) for shape in ((_ROWS + 3, 256), (272, 256), (272,))
    )
    try:
        with torch.no_grad():
            found = PrepackedWeight().linear(values, weight, bias)
    except (AttributeError, RuntimeError, TypeError):  # they are not part of torch's public interface
        return False
    expected = nn.functional.linear(values, weight, bias)
    if dtype == torch.bfloat16:
        return torch.equal(found, expected)
    return found.shape == expected.shape and torch.allclose(found, expected, atol=1e-4)


def few_times_many(few: Tensor, many: Tensor) -> Tensor:
    """``few @ many.T``, where the first matrix has a handful of rows and the second many; without a gradient.

    Where torch multiplies float32 by MKL on a CPU of AMD's, oneDNN takes half the time of a product of 21 rows with
    2,048, and about the same of two.

    Shape:
        few (C, K), many (N, K); returns (C, N).
    """
    is_plain = few.dtype == many.dtype == torch.float32 and few.device.type == "cpu" and len(few) > 1
    if is_plain and is_conv_faster() and can_prepack(torch.float32):
        return torch.ops.mkldnn._linear_pointwise(few, many, None, "none", [], "")
    return few @ many.T


class FastLinear(nn.Linear):
    """``nn.Linear`` by oneDNN, for many rows on a CPU.

    While no gradient is asked for, weights are multiplied from a layout that is made once, in float32 where
    ``convolves``, and in bfloat16. Others are multiplied by :func:`conv_linear` where ``convolves``, and by torch.

    Args:
        in_features: Width of the values.
        out_features: Width of the product.
        convolves: Whether float32 is multiplied by oneDNN, too: :func:`is_conv_faster`.
        options: Others of ``nn.Linear``.
    """

    def __init__(self, in_features: int, out_features: int, *, convolves: bool = True, **options: Any) -> None:  # noqa: ANN401
        super().__init__(in_features, out_features, **options)
        self.convolves = convolves
        self._prepacked = PrepackedWeight()

    @classmethod
    def like(cls, linear: nn.Linear, *, convolves: bool = True) -> FastLinear:
        """One with another layer's parameters."""
        sizes = linear.in_features, linear.out_features
        made = cls(*sizes, convolves=convolves, bias=linear.bias is not None, device="meta")
        made.weight, made.bias = linear.weight, linear.bias
        return made

    def train(self, mode: bool = True) -> FastLinear:
        """Set training mode; a weight may change before it is next used."""
        self._prepacked.clear()
        return super().train(mode)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Multiply.

        Shape:
            input (…, in); returns (…, out).
        """
        dtype = self._dtype(input)
        is_compiling = torch.compiler.is_compiling()  # the compiler takes no layout that was made before
        if dtype is not None and not is_compiling and self._is_constant(input) and can_prepack(dtype):
            return self._prepacked.linear(input.to(dtype), self.weight, self.bias)
        return conv_linear(input, self.weight, self.bias) if dtype == torch.float32 else super().forward(input)

    def _is_constant(self, values: Tensor) -> bool:
        """Whether no gradient is asked for: of the layer, or through it."""
        if not torch.is_grad_enabled():  # a weight that is no parameter is FSDP's, for a moment
            return isinstance(self.weight, nn.Parameter)
        trained = self.weight.requires_grad or (self.bias is not None and self.bias.requires_grad)
        if trained:
            self._prepacked.clear()
        return not trained and not values.requires_grad

    def _dtype(self, values: Tensor) -> torch.dtype | None:
        """What the product is computed in; None where it is left to torch."""
        rows = values.numel() // self.in_features
        if values.device.type != "cpu" or rows < _ROWS or self.weight.numel() < _WEIGHTS:
            return None
        types = {values.dtype, self.weight.dtype}
        if torch.is_autocast_enabled("cpu") and types <= {torch.float32, torch.bfloat16}:
            return torch.bfloat16 if torch.get_autocast_dtype("cpu") == torch.bfloat16 else None
        if types == {torch.bfloat16}:
            return torch.bfloat16
        is_exact = torch.get_float32_matmul_precision() != "medium"
        return torch.float32 if self.convolves and is_exact and types == {torch.float32} else None


@cache
def is_conv_faster() -> bool:
    """Whether torch multiplies float32 by MKL here, and the CPU is AMD's."""
    return torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available() and is_made_by("AuthenticAMD")


@cache
def is_made_by(maker: str) -> bool:
    """Whether a maker's name, as a CPU gives it, is in what the system says of this one."""
    described = Path("/proc/cpuinfo")
    return maker in (described.read_text() if described.is_file() else platform.processor())
