"""Position ids that count a text's own tokens, on whichever side its padding is."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor
from transformers import PreTrainedModel

from poolsweep.encoder.layers import evaluating
from poolsweep.encoder.precision import in_float32

TRIED_LENGTHS = (2, 3, 5)  # of the texts that a model is tried on, shortest first


def first_position(model: PreTrainedModel) -> int | None:
    """The position of a text's first token, for a model that is told positions: 0, or past RoBERTa's padding id.

    Args:
        model: A transformers encoder.
    Returns:
        None if it is not told any, or gives other states when it is.
    """
    if "position_ids" not in inspect.signature(model.forward).parameters:
        return None
    pad = model.config.pad_token_id
    ids, mask = tried_batch(model)
    inputs = {"input_ids": ids, "attention_mask": mask.long()}
    try:
        expected = tried_states(model, **inputs)[mask]
        for first in (0, pad + 1) if isinstance(pad, int) and pad >= 0 else (0,):
            found = tried_states(model, **inputs, position_ids=positions(mask, first=first))[mask]
            if torch.allclose(found, expected, atol=1e-4, rtol=1e-4):
                return first
    except Exception:  # a model of any kind may read them in its own way
        return None
    return None


def positions(mask: Tensor, *, first: int) -> Tensor:
    """Positions of real tokens from ``first``; padding has that of its neighbour.

    Shape:
        mask (B, T) bool; returns (B, T) int64.
    Example:
        >>> positions(torch.tensor([[False, True, True], [True, True, False]]), first=0).tolist()
        [[0, 0, 1], [0, 1, 1]]
    """
    return (mask.long().cumsum(dim=1) - 1).clamp(min=0) + first


def tried_batch(model: PreTrainedModel) -> tuple[Tensor, Tensor]:
    """Token ids and mask of three short texts of different lengths, padded on the right."""
    device = next(model.parameters()).device
    lengths = torch.tensor(TRIED_LENGTHS, device=device)
    mask = torch.arange(TRIED_LENGTHS[-1], device=device) < lengths[:, None]
    pad = model.config.pad_token_id
    ids = torch.arange(mask.numel(), device=device).view_as(mask) % 8 + (8 if isinstance(pad, int) and pad < 8 else 0)
    return ids.masked_fill(~mask, pad if isinstance(pad, int) and pad >= 0 else 0), mask


def tried_states(model: PreTrainedModel, **inputs: object) -> Tensor:
    """The last states of a model in eval mode, in float32, without gradients; its mode stays."""
    with evaluating(model), in_float32(model):
        return model(**inputs).last_hidden_state
