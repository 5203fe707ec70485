"""The arithmetic of the poolings, as pure functions.

Legend: hidden (B, T, H) float; mask (B, T) bool, True = real token; pooled (B, H). Masked positions are replaced, never
multiplied (NaN times 0 is NaN); sums accumulate in float32 or better; a row without a real token gives zeros.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def accumulation_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which values of ``dtype`` are summed: float32, or float64 for float64."""
    return torch.promote_types(dtype, torch.float32)


def first_token(hidden: Tensor, mask: Tensor) -> Tensor:
    """The state of the first real token, under left and right padding alike.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, H), zeros for an all-padding row.

    Example:
        >>> hidden = torch.arange(6.0).reshape(1, 3, 2)
        >>> first_token(hidden, torch.tensor([[False, True, True]]))
        tensor([[2., 3.]])
    """
    position = mask.to(torch.int32).argmax(dim=1)  # argmax gives the first of equal values
    rows = torch.arange(hidden.shape[0], device=hidden.device)
    return hidden[rows, position].masked_fill(~mask.any(dim=1, keepdim=True), 0)


def masked_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """The mean over real tokens.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, H), zeros for an all-padding row.

    Example:
        >>> hidden = torch.tensor([[[1.0], [3.0], [99.0]]])
        >>> masked_mean(hidden, torch.tensor([[True, True, False]]))
        tensor([[2.]])
    """
    total = hidden.masked_fill(~mask[..., None], 0).sum(dim=1, dtype=accumulation_dtype(hidden.dtype))
    return (total / mask.sum(dim=1, keepdim=True).clamp(min=1)).to(hidden.dtype)


def masked_max(hidden: Tensor, mask: Tensor) -> Tensor:
    """The largest value of each dimension over real tokens.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, H), zeros for an all-padding row.

    Example:
        >>> hidden = torch.tensor([[[-1.0], [-3.0], [0.0]]])
        >>> masked_max(hidden, torch.tensor([[True, True, False]]))
        tensor([[-1.]])
    """
    kept = hidden.masked_fill(~mask[..., None], torch.finfo(hidden.dtype).min)
    return kept.amax(dim=1).masked_fill(~mask.any(dim=1, keepdim=True), 0)


def layer_mean(hidden: Sequence[Tensor]) -> Tensor:
    """The mean of several layers, without a stacked copy of them.

    Shape:
        hidden: tensors of one shape; returns that shape.

    Example:
        >>> layer_mean([torch.tensor([1.0]), torch.tensor([3.0])])
        tensor([2.])
    """
    total = hidden[0].to(accumulation_dtype(hidden[0].dtype))
    for layer in hidden[1:]:
        total = total + layer
    return (total / len(hidden)).to(hidden[0].dtype)
