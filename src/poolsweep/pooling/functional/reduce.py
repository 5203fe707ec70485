"""Sums, means and extremes over real tokens."""

from __future__ import annotations

import torch
from torch import Tensor

from poolsweep.pooling.functional.precision import accumulation_dtype, at_least_float32
from poolsweep.pooling.functional.select import zero_padding


def masked_sum(hidden: Tensor, mask: Tensor) -> Tensor:
    """The sum over real tokens.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, H), zeros for an all-padding row.
    Example:
        >>> masked_sum(torch.tensor([[[1.0], [3.0], [99.0]]]), torch.tensor([[True, True, False]]))
        tensor([[4.]])
    """
    return _total(hidden, mask).to(hidden.dtype)


def masked_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """The mean over real tokens.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, H), zeros for an all-padding row.
    Example:
        >>> masked_mean(torch.tensor([[[1.0], [3.0], [99.0]]]), torch.tensor([[True, True, False]]))
        tensor([[2.]])
    """
    return (_total(hidden, mask) / _count(mask)).to(hidden.dtype)


def mean_sqrt_len(hidden: Tensor, mask: Tensor) -> Tensor:
    """The sum over real tokens, divided by the square root of their number.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, H), zeros for an all-padding row.
    Example:
        >>> mean_sqrt_len(torch.ones(1, 4, 1), torch.ones(1, 4, dtype=torch.bool))
        tensor([[2.]])
    """
    total = _total(hidden, mask)
    return (total / _count(mask).to(total.dtype).sqrt()).to(hidden.dtype)


def masked_max(hidden: Tensor, mask: Tensor) -> Tensor:
    """The largest value of each dimension over real tokens.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, H), zeros for an all-padding row.
    Example:
        >>> masked_max(torch.tensor([[[-1.0], [-3.0], [0.0]]]), torch.tensor([[True, True, False]]))
        tensor([[-1.]])
    """
    kept = hidden.masked_fill(~mask[..., None], torch.finfo(hidden.dtype).min)
    return kept.amax(dim=1).masked_fill(~mask.any(dim=1, keepdim=True), 0)


def masked_min(hidden: Tensor, mask: Tensor) -> Tensor:
    """The smallest value of each dimension over real tokens.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, H), zeros for an all-padding row.
    Example:
        >>> masked_min(torch.tensor([[[2.0], [1.0], [0.0]]]), torch.tensor([[True, True, False]]))
        tensor([[1.]])
    """
    kept = hidden.masked_fill(~mask[..., None], torch.finfo(hidden.dtype).max)
    return kept.amin(dim=1).masked_fill(~mask.any(dim=1, keepdim=True), 0)


def dimensions_won(hidden: Tensor, mask: Tensor, pooled: Tensor) -> Tensor:
    """The share of dimensions whose pooled value is each token's, ties split evenly.

    Shape:
        hidden (B, T, H); mask (B, T) bool; pooled (B, H), a maximum or minimum; returns (B, T).
    Example:
        >>> hidden, mask = torch.tensor([[[1.0, 5.0], [3.0, 5.0]]]), torch.ones(1, 2, dtype=torch.bool)
        >>> dimensions_won(hidden, mask, masked_max(hidden, mask))
        tensor([[0.2500, 0.7500]])
    """
    won = at_least_float32((hidden == pooled[:, None]) & mask[..., None])
    return (won / won.sum(dim=1, keepdim=True).clamp(min=1)).mean(dim=2)


def position_weighted_mean(hidden: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
    """The mean over the tokens of ``mask``, weighted by their position.

    Shape:
        hidden (B, T, H); mask (B, T) bool; positions (B, T), from 1; returns (B, H), zeros for an all-padding row.
    Example:
        >>> hidden, mask = torch.tensor([[[3.0], [6.0]]]), torch.ones(1, 2, dtype=torch.bool)
        >>> position_weighted_mean(hidden, mask, mask.cumsum(dim=1))
        tensor([[5.]])
    """
    weights = positions.masked_fill(~mask, 0).to(accumulation_dtype(hidden.dtype))
    total = (at_least_float32(zero_padding(hidden, mask)) * weights[..., None]).sum(dim=1)
    return (total / weights.sum(dim=1, keepdim=True).clamp(min=1)).to(hidden.dtype)


def generalised_mean(hidden: Tensor, mask: Tensor, power: Tensor) -> Tensor:
    """The power mean of the distances to each dimension's smallest value, added to that value.

    ``lo + (mean_t (x[t] - lo)^p)^(1/p)``: the mean for p = 1, the maximum for p → ∞. Distances are scaled to [0, 1], so
    that no power overflows and the root's argument never comes near 0.

    Shape:
        hidden (B, T, H); mask (B, T) bool; power: a scalar, at least 1; returns (B, H), zeros for an all-padding row.
    Example:
        >>> hidden, mask = torch.tensor([[[-1.0], [0.0], [3.0]]]), torch.ones(1, 3, dtype=torch.bool)
        >>> generalised_mean(hidden, mask, torch.tensor(1.0))
        tensor([[0.6667]])
        >>> generalised_mean(hidden, mask, torch.tensor(2.0))
        tensor([[1.3805]])
    """
    real = mask.any(dim=1, keepdim=True)
    states = at_least_float32(hidden)
    power = power.to(states.dtype)
    low = masked_min(states, mask)
    distance = zero_padding(states - low[:, None], mask)
    # The result does not depend on the scale, so it needs no gradient.
    scale = distance.detach().amax(dim=1)
    flat = scale == 0
    ratio = distance / scale.masked_fill(flat, 1)[:, None]
    mean = zero_padding(ratio**power, mask).sum(dim=1) / _count(mask)
    root = mean.masked_fill(flat, 1) ** (1 / power)
    return (low + scale * root).masked_fill(~real, 0).to(hidden.dtype)


def sorted_tokens(hidden: Tensor, mask: Tensor) -> Tensor:
    """Each dimension's values over real tokens from the largest to the smallest, zeros behind them.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, T, H).
    Example:
        >>> sorted_tokens(torch.tensor([[[1.0], [9.0], [2.0]]]), torch.tensor([[True, False, True]])).flatten()
        tensor([2., 1., 0.])
    """
    kept = hidden.masked_fill(~mask[..., None], torch.finfo(hidden.dtype).min)
    ranks = torch.arange(mask.shape[1], device=mask.device)
    return zero_padding(kept.sort(dim=1, descending=True).values, ranks < mask.sum(dim=1, keepdim=True))


def _total(hidden: Tensor, mask: Tensor) -> Tensor:
    return zero_padding(hidden, mask).sum(dim=1, dtype=accumulation_dtype(hidden.dtype))


def _count(mask: Tensor) -> Tensor:
    return mask.sum(dim=1, keepdim=True).clamp(min=1)
