"""Weights that nobody trains, laid out once as oneDNN multiplies them instead of in every product."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

_ROWS = 1024  # of the values that a layout is chosen for


class PrepackedWeight:
    """A weight in oneDNN's own layout, made when it is first needed, and again when the weight has changed.

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
            made = content, torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _ROWS)
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
