"""Weights over tokens, and sums by them."""

from __future__ import annotations

import torch
from torch import Tensor

from poolsweep.pooling.functional.precision import at_least_float32


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last dimension's real tokens, in float32 or better.

    Shape:
        scores (..., T); mask bool, broadcastable to it; returns (..., T), zeros where there is no real token at all.
    Example:
        >>> masked_softmax(torch.tensor([0.0, 0.0, 9.0]), torch.tensor([True, True, False]))
        tensor([0.5000, 0.5000, 0.0000])
    """
    scores = at_least_float32(scores)
    return scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1).masked_fill(~mask, 0)


def weigh_tokens(weights: Tensor, hidden: Tensor) -> Tensor:
    """Sums of the tokens by one or several sets of weights.

    Shape:
        weights (B, K, T); hidden (B, T, H), finite everywhere (see ``zero_padding``); returns (B, K, H).
    Example:
        >>> weigh_tokens(torch.tensor([[[0.25, 0.75]]]), torch.tensor([[[4.0], [8.0]]]))
        tensor([[[7.]]])
    """
    states = at_least_float32(hidden)
    return torch.matmul(weights.to(states.dtype), states).to(hidden.dtype)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, *, num_heads: int) -> tuple[Tensor, Tensor]:
    """Multi-head scaled dot-product attention over real tokens.

    Shape:
        query (B, Q, D); key, value (B, T, D), finite everywhere; mask (B, T) bool; returns (B, Q, D), zeros for an
        all-padding row, and the weights (B, num_heads, Q, T).
    Example:
        >>> key = torch.tensor([[[0.0], [0.0]]])
        >>> attend(torch.ones(1, 1, 1), key, key + 4, torch.tensor([[True, False]]), num_heads=1)
        (tensor([[[4.]]]), tensor([[[[1., 0.]]]]))
    """
    split = tuple(_heads(states, num_heads) for states in (query, key, value))
    queries, keys, values = (at_least_float32(states) for states in split)
    scores = torch.matmul(queries, keys.transpose(-1, -2)) * queries.shape[-1] ** -0.5
    weights = masked_softmax(scores, mask[:, None, None])
    mixed = torch.matmul(weights.to(values.dtype), values)
    return mixed.transpose(1, 2).flatten(2).to(value.dtype), weights


def _heads(states: Tensor, num_heads: int) -> Tensor:
    return states.unflatten(2, (num_heads, -1)).transpose(1, 2)
