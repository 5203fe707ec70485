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
from poolsweep.encoder.positions import TRIED_LENGTHS, positions, tried_batch, tried_states
from poolsweep.encoder.ragged_attention import Attention

NAME = "poolsweep_packed"


def use_packed_attention(model: PreTrainedModel, *, first: int | None) -> str | None:
    """Make a model take packed rows, if it gives the same states for them as for padded ones.

    Args:
        model: A transformers encoder; left as it was if it does not.
        first: The position of a text's first token.
    Returns:
        Why not, or None.
    """
    was = model.config._attn_implementation
    if was != "sdpa":
        return f"its attention implementation is {was}"
    try:
        ids, mask = tried_batch(model)
        before = Packing.of(mask).pack(tried_states(model, input_ids=ids, attention_mask=mask.long()))[0]
        register()
        model.set_attn_implementation(NAME)
        after = _packed_states(model, first=first)
    except Exception as error:
        model.set_attn_implementation(was)
        return f"{model.config.model_type} takes no packed rows ({type(error).__name__})"
    if not torch.allclose(before, after, atol=1e-4, rtol=1e-4):
        model.set_attn_implementation(was)
        return f"{model.config.model_type} gives other states for packed rows"
    return None


def packed_inputs(packing: Packing, inputs: dict[str, Tensor]) -> dict[str, Any]:
    """A padded batch's arguments, packed, for a model that :func:`use_packed_attention` has changed.

    Args:
        packing: The batch's layout.
        inputs: The model's arguments that are (B, T), without the mask.
    """
    packed: dict[str, Any] = {name: packing.pack(values) for name, values in inputs.items()}
    # A mask of four dimensions is passed on as it is; one of (N, N) would be built otherwise.
    nothing = packing.mask.new_ones(1, 1, 1, 1)
    return packed | {"attention_mask": nothing, "packing": packing}


def gives_first_tokens(model: PreTrainedModel, *, first: int | None) -> bool:
    """Whether a packed model whose last layer has been through ``FirstTokenLayer`` gives what it gave without."""
    if any(getattr(module, "is_causal", False) is True for module in model.modules()):
        return False  # the first token of a causal model has seen nothing that a pooling would want
    try:
        whole, firsts = (_packed_states(model, first=first, only_first=only) for only in (False, True))
    except Exception:  # keys that are rotated by their position, say, are made of the projections later
        return False
    starts = torch.tensor([0, *TRIED_LENGTHS], device=whole.device).cumsum(0)[:-1]
    return firsts.shape[0] == len(TRIED_LENGTHS) and torch.allclose(firsts, whole[starts], atol=1e-4, rtol=1e-4)


def _packed_states(model: PreTrainedModel, *, first: int | None, only_first: bool = False) -> Tensor:
    """(N, H) last states of the texts that a model is tried on."""
    ids, mask = tried_batch(model)
    packing = replace(Packing.of(mask), only_first=only_first)
    inputs = {"input_ids": ids} | ({} if first is None else {"position_ids": positions(mask, first=first)})
    return tried_states(model, **packed_inputs(packing, inputs))[0]


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
    is_causal: bool | None = None,
    **kwargs: Any,  # noqa: ANN401
) -> tuple[Tensor, None]:
    """Attend within each text.

    Args:
        module: The model's attention module.
        query: Queries of all tokens, or of first tokens alone.
        key: Keys of all tokens, or of first tokens alone; several heads of queries may share one of keys.
        value: Values of all tokens, or of first tokens alone.
        attention_mask: The mask of a padded batch; unused with packing.
        dropout: Probability of dropping an attention weight.
        scaling: Factor of the scores.
        packing: Layout of the packed row; None = a padded batch, left to transformers.
        sliding_window: A token attends to those less than this far away; None = to all of its text.
        is_causal: Whether a token attends to none behind it; None = as the module says.
    Shape:
        query, key, value (1, heads, N, d), or (1, heads, texts, d) of first tokens; returns (1, as many, heads, d).
    """
    if packing is None:
        return sdpa_attention_forward(  # type: ignore[return-value]
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, is_causal=is_causal, **kwargs
        )
    only_first = isinstance(packing, FirstTokens)
    if isinstance(packing, FirstTokens):
        size = query.shape[-1]
        key, value = (part.unflatten(-1, (-1, size)).transpose(1, 2) for part in packing.projected)
        packing = packing.packing
    query, key = (
        query.to(value.dtype),
        key.to(value.dtype),
    )  # rotated by float32 angles, they leave autocast's precision
    shared = query.shape[1] // key.shape[1]
    if shared > 1:
        key, value = (part.repeat_interleave(shared, dim=1) for part in (key, value))
    causal = bool(getattr(module, "is_causal", False)) if is_causal is None else is_causal
    if sliding_window is not None and getattr(getattr(module, "config", None), "is_causal", True) is False:
        sliding_window += 1  # transformers' mask of a causal model without its causal half reaches one further
    attend = Attention(packing, only_first, scaling, sliding_window, dropout, causal)
    return attend(query, key, value), None
