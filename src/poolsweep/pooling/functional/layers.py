"""Combining layers one after the other, without a stacked copy of them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from poolsweep.pooling.functional.precision import at_least_float32


def layer_sum(hidden: Iterable[Tensor]) -> Tensor:
    """The sum of several layers.

    Shape:
        hidden: tensors of one shape; returns that shape.
    Example:
        >>> layer_sum([torch.tensor([1.0]), torch.tensor([3.0])])
        tensor([4.])
    """
    total, _, dtype = _add_up(hidden)
    return total.to(dtype)


def layer_mean(hidden: Iterable[Tensor]) -> Tensor:
    """The mean of several layers.

    Shape:
        hidden: tensors of one shape; returns that shape.
    Example:
        >>> layer_mean([torch.tensor([1.0]), torch.tensor([3.0])])
        tensor([2.])
    """
    total, count, dtype = _add_up(hidden)
    return (total / count).to(dtype)


def layer_max(hidden: Iterable[Tensor]) -> Tensor:
    """The largest value of each dimension of each token over several layers.

    Shape:
        hidden: tensors of one shape; returns that shape.
    Example:
        >>> layer_max([torch.tensor([1.0, 5.0]), torch.tensor([3.0, 4.0])])
        tensor([3., 5.])
    """
    layers = iter(hidden)
    best = next(layers)
    for layer in layers:
        # Not torch.maximum: where() keeps one bit per value for the backward pass, maximum() both inputs. NaN wins.
        best = torch.where((layer > best) | layer.isnan(), layer, best)
    return best


def weigh_layers(hidden: Iterable[Tensor], weights: Iterable[Tensor]) -> Tensor:
    """The sum of several layers, each times its weight.

    Shape:
        hidden: tensors of one shape; weights: one per layer, broadcastable to it; returns that shape.
    Example:
        >>> weigh_layers([torch.tensor([1.0]), torch.tensor([3.0])], torch.tensor([0.5, 2.0]))
        tensor([6.5000])
    """
    pairs = zip(hidden, weights, strict=True)
    layer, weight = next(pairs)
    total = at_least_float32(layer) * weight
    for layer, weight in pairs:
        total = total + at_least_float32(layer) * weight
    return total.to(layer.dtype)


def normalise_state(hidden: Tensor) -> Tensor:
    """Every token's vector at mean 0 and variance 1, without learned parameters.

    Shape:
        hidden (..., H); returns that shape.
    Example:
        >>> normalise_state(torch.tensor([1.0, 3.0]))
        tensor([-1.0000,  1.0000])
    """
    return F.layer_norm(hidden, hidden.shape[-1:])


def _add_up(hidden: Iterable[Tensor]) -> tuple[Tensor, int, torch.dtype]:
    layers = iter(hidden)
    first = next(layers)
    total, count = at_least_float32(first), 1
    for layer in layers:
        total, count = total + layer, count + 1
    return total, count, first.dtype
