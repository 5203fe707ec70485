"""Attention without the causal mask: ``encoder.bidirectional``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from poolsweep.encoder.positions import tried_states


def is_causal(model: PreTrainedModel) -> bool:
    """Whether the state of a text's first token depends on no other token, tried on three."""
    device = next(model.parameters()).device
    ids = torch.tensor([[9, 10, 11], [9, 12, 13]], device=device)
    states = tried_states(model, input_ids=ids, attention_mask=torch.ones_like(ids))
    return torch.allclose(states[0, 0], states[1, 0], atol=1e-6, rtol=1e-6)


def make_bidirectional(model: PreTrainedModel) -> str | None:
    """Let every token of a causal model attend to all of its text, as LLM2Vec (arXiv:2404.05961) does.

    Args:
        model: A transformers model; left as it was if it cannot be told.
    Returns:
        Why not, or None.
    """
    kind = model.config.model_type
    try:
        if not is_causal(model):
            return f"{kind} attends in both directions already; leave encoder.bidirectional=false"
    except Exception as error:  # a model of any kind
        return f"{kind} cannot be run on token ids alone ({type(error).__name__})"
    # transformers makes its masks by the config, and chooses its kernels by the module.
    told: list[object] = [m for m in model.modules() if getattr(m, "is_causal", False) is True]
    told.append(model.config)
    before = [getattr(one, "is_causal", True) for one in told]
    _tell(told, [False] * len(told))
    if not is_causal(model):
        return None
    _tell(told, before)
    return f"the attention of {kind} cannot be told to leave its causal mask out"


def _tell(told: Sequence[object], values: Sequence[bool]) -> None:
    for one, value in zip(told, values, strict=True):
        setattr(one, "is_causal", value)  # noqa: B010
