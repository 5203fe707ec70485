"""Linear layers and dropout that a CPU computes faster than torch's own modules: ``encoder.cpu_kernels``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

import torch
from torch import nn

from poolsweep.encoder.cpu_kernels.dropout import FastDropout
from poolsweep.encoder.cpu_kernels.linear import FastLinear, can_prepack, is_conv_faster

CpuKernelsMode = Literal["auto", "off"]
M = TypeVar("M", bound=nn.Module)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CpuKernels:
    """What of a model is computed by other modules than torch's; on other devices than a CPU these are torch's.

    Attributes:
        linear: Number of linear layers whose weights are laid out once while they stay.
        convolves: Whether these layers compute as convolutions in float32.
        fast_dropout: Number of dropout layers with cheaper random numbers.
    """

    linear: int = 0
    convolves: bool = False
    fast_dropout: int = 0

    def __str__(self) -> str:
        if self == CpuKernels():
            return "all modules are torch's own"
        how = "compute as convolutions" if self.convolves else "lay bfloat16 weights out once"
        drawn = f"{self.fast_dropout} dropout layers draw four numbers at once"
        return f"on a CPU {self.linear} linear layers {how}, and {drawn}"


def use_cpu_kernels(model: nn.Module, *, name: str) -> CpuKernels:
    """Replace a model's linear layers, if this CPU gains by it, and its dropout; the log says how many.

    Args:
        model: A model whose modules are replaced in place; its parameters stay.
        name: The model's name in the log.
    """
    convolves, found = is_conv_faster(), 0
    if convolves or can_prepack(torch.bfloat16):
        found = replace_modules(model, nn.Linear, partial(FastLinear.like, convolves=convolves))
    dropouts = replace_modules(model, nn.Dropout, lambda child: FastDropout(child.p))
    kernels = CpuKernels(found, convolves and found > 0, dropouts)
    if kernels != CpuKernels():
        _log.info("%s: %s", name, kernels)
    return kernels


def replace_modules(model: nn.Module, kind: type[M], make: Callable[[M], nn.Module]) -> int:
    """Replace all submodules of exactly one class, each by one in the same mode.

    Args:
        model: A model that is changed in place.
        kind: Class of the modules to replace; its subclasses stay.
        make: Makes a module's replacement.
    Returns:
        How many were replaced.
    """
    found = [
        (module, name, child)
        for module in model.modules()
        for name, child in module.named_children()
        if type(child) is kind
    ]
    for module, name, child in found:
        setattr(module, name, make(child).train(child.training))
    return len(found)
