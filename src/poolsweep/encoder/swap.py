"""Modules of a model taken out for others that do the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def swap(model: nn.Module, kind: type[M], made: Callable[[M], nn.Module]) -> None:
    """Put others in the places of all submodules of exactly one kind, in the same mode.

    Args:
        model: Changed.
        kind: Of what is taken out; its subclasses stay.
        made: Gives what takes a module's place.
    """
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is kind:
                setattr(module, name, made(child).train(child.training))
