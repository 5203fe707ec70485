"""Attention within each text of a packed row, as an implementation that transformers can be told to use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from poolsweep.encoder.first_token import FirstTokens
from poolsweep.encoder.packing import Packing
from poolsweep.encoder.ragged_attention import Attention

NAME = "poolsweep_packed"
_LENGTHS = (2, 3, 5)  # of the texts that a model is tried on


def use_packed_attention(model: PreTrainedModel) -> str | None:
    """Make a model take packed rows, if it gives the same states for them as for padded ones.

    Args:
        model: A transformers encoder; left as it was if it does not.
    Returns:
        Why not, or None.
    """
    was = model.config._attn_implementation
    if was != "sdpa":
        return f"its attention implementation is {was}"
    try:
        before = _states(model, packed=False)
        register()
        model.set_attn_implementation(NAME)
        after = _states(model, packed=True)
    except Exception as error:
        model.set_attn_implementation(was)
        return f"{model.config.model_type} takes no packed rows ({type(error).__name__})"
    if not torch.allclose(before, after, atol=1e-4, rtol=1e-4):
        model.set_attn_implementation(was)
        return f"{model.config.model_type} gives other states for packed rows"
    return None


def packed_inputs(model: PreTrainedModel, packing: Packing, inputs: dict[str, Tensor]) -> dict[str, Any]:
    """A padded batch's arguments, packed.

    Args:
        model: A model that :func:`use_packed_attention` has changed.
        packing: The batch's layout.
        inputs: The model's arguments that are (B, T), without the mask.
    """
    columns = torch.arange(packing.mask.shape[1], device=packing.mask.device).expand_as(packing.mask)
    embeddings = getattr(model, "embeddings", None)
    if hasattr(embeddings, "create_position_ids_from_input_ids"):  # RoBERTa counts real tokens, past the padding id
        columns = packing.mask.cumsum(dim=1) + embeddings.padding_idx  # type: ignore[union-attr]
    packed: dict[str, Any] = {name: packing.pack(values) for name, values in inputs.items()}
    # A mask of four dimensions is passed on as it is; one of (N, N) would be built otherwise.
    nothing = packing.mask.new_ones(1, 1, 1, 1)
    return packed | {"position_ids": packing.pack(columns), "attention_mask": nothing, "packing": packing}


def gives_first_tokens(model: PreTrainedModel) -> bool:
    """Whether a packed model whose last layer has been through ``FirstTokenLayer`` gives what it gave without."""
    whole, first = (_states(model, packed=True, only_first=only_first) for only_first in (False, True))
    starts = torch.tensor([0, *_LENGTHS], device=whole.device).cumsum(0)[:-1]
    return first.shape[0] == len(_LENGTHS) and torch.allclose(first, whole[starts], atol=1e-4, rtol=1e-4)


def _states(model: PreTrainedModel, *, packed: bool, only_first: bool = False) -> Tensor:
    """(N, H) last states of three short texts of different lengths, shortest first."""
    device = next(model.parameters()).device
    mask = torch.arange(_LENGTHS[-1], device=device) < torch.tensor(_LENGTHS, device=device)[:, None]
    pad = model.config.pad_token_id
    ids = torch.arange(mask.numel(), device=device).view_as(mask) % 8 + (8 if isinstance(pad, int) and pad < 8 else 0)
    ids = ids.masked_fill(~mask, pad if isinstance(pad, int) else 0)
    packing, was_training = replace(Packing.of(mask), only_first=only_first), model.training
    model.eval()
    try:
        with torch.no_grad():
            if packed:
                return model(**packed_inputs(model, packing, {"input_ids": ids})).last_hidden_state[0]
            return packing.pack(model(input_ids=ids, attention_mask=mask.long()).last_hidden_state)[0]
    finally:
        model.train(was_training)


def register() -> None:
    """Make ``NAME`` known to transformers; without packing it is transformers' own sdpa."""
    AttentionInterface.register(NAME, packed_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    *,
    packing: Packing | FirstTokens | None = None,
    sliding_window: int | None = None,
    **kwargs: Any,  # noqa: ANN401
) -> tuple[Tensor, None]:
    """Attend within each text.

    Args:
        module: The model's attention module.
        query: Queries of all tokens, or of first tokens alone.
        key: Keys of all tokens, or of first tokens alone.
        value: Values of all tokens, or of first tokens alone.
        attention_mask: The mask of a padded batch; unused with packing.
        dropout: Probability of dropping an attention weight.
        scaling: Factor of the scores.
        packing: Layout of the packed row; None = a padded batch, left to transformers.
        sliding_window: A token attends to those less than this far away; None = to all of its text.
    Shape:
        query, key, value (1, heads, N, d), or (1, heads, texts, d) of first tokens; returns (1, as many, heads, d).
    """
    if packing is None:
        return sdpa_attention_forward(  # type: ignore[return-value]
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
    only_first = isinstance(packing, FirstTokens)
    if isinstance(packing, FirstTokens):
        heads = query.shape[1]
        key, value = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in packing.projected)
        packing = packing.packing
    attend = Attention(packing, only_first, scaling, sliding_window, dropout)
    return attend(query, key, value), None
