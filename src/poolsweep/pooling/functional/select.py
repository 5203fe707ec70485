"""Choosing and moving tokens by position."""

from __future__ import annotations

import torch
from torch import Tensor


def restrict(mask: Tensor, keep: Tensor) -> Tensor:
    """The real tokens that ``keep`` allows, or all real tokens of a row where it allows none.

    Shape:
        mask, keep (B, T) bool; returns (B, T) bool.
    Example:
        >>> mask = torch.tensor([[True, True, False], [True, False, False]])
        >>> restrict(mask, torch.tensor([[False, True, True]]))
        tensor([[False,  True, False],
                [ True, False, False]])
    """
    kept = mask & keep
    return kept | (mask & ~kept.any(dim=1, keepdim=True))


def zero_padding(hidden: Tensor, mask: Tensor) -> Tensor:
    """A copy of ``hidden`` with zeros wherever ``mask`` is False, whatever was there.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, T, H).
    Example:
        >>> zero_padding(torch.tensor([[[1.0], [float("nan")]]]), torch.tensor([[True, False]]))
        tensor([[[1.],
                 [0.]]])
    """
    return hidden.masked_fill(~mask[..., None], 0)


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
    return _at(hidden, position).masked_fill(~mask.any(dim=1, keepdim=True), 0)


def last_token(hidden: Tensor, mask: Tensor) -> Tensor:
    """The state of the last real token, under left and right padding alike.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, H), zeros for an all-padding row.
    Example:
        >>> hidden = torch.arange(6.0).reshape(1, 3, 2)
        >>> last_token(hidden, torch.tensor([[True, True, False]]))
        tensor([[2., 3.]])
    """
    places = torch.arange(mask.shape[1], device=mask.device, dtype=torch.int32)
    position = torch.where(mask, places, -1).argmax(dim=1)
    return _at(hidden, position).masked_fill(~mask.any(dim=1, keepdim=True), 0)


def align_left(hidden: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Move the tokens that ``mask`` keeps to the front, in order, with zeros behind them.

    Shape:
        hidden (B, T, H); mask (B, T) bool; returns (B, T, H) and its mask (B, T).
    Example:
        >>> moved, mask = align_left(torch.tensor([[[7.0], [8.0], [9.0]]]), torch.tensor([[False, True, True]]))
        >>> moved.flatten().tolist(), mask.tolist()
        ([8.0, 9.0, 0.0], [[True, True, False]])
    """
    length = mask.shape[1]
    places = torch.arange(length, device=mask.device, dtype=torch.int32)
    order = torch.where(mask, places, places + length).argsort(dim=1)
    aligned = places < mask.sum(dim=1, keepdim=True)
    moved = hidden.gather(1, order[..., None].expand(-1, -1, hidden.shape[2]))
    return zero_padding(moved, aligned), aligned


def reverse_tokens(hidden: Tensor, lengths: Tensor) -> Tensor:
    """Each row's first ``lengths`` tokens in reverse order; what stands behind them has no meaning.

    Shape:
        hidden (B, T, H), left-aligned; lengths (B,) int; returns (B, T, H).
    Example:
        >>> reverse_tokens(torch.tensor([[[1.0], [2.0], [0.0]]]), torch.tensor([2]))[0, :2].flatten()
        tensor([2., 1.])
    """
    places = torch.arange(hidden.shape[1], device=hidden.device)
    order = (lengths[:, None] - 1 - places).clamp(min=0)
    return hidden.gather(1, order[..., None].expand(-1, -1, hidden.shape[2]))


def _at(hidden: Tensor, position: Tensor) -> Tensor:
    rows = torch.arange(hidden.shape[0], device=hidden.device)
    return hidden[rows, position]
