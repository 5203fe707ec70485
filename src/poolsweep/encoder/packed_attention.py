"""Attention within each text of a packed row, as an implementation that transformers can be told to use."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from poolsweep.encoder.dropout import dropout as quick_dropout
from poolsweep.encoder.dropout import quicken_dropout
from poolsweep.encoder.packing import Bucket, Packing

NAME = "poolsweep_packed"


def use_packed_attention(model: PreTrainedModel) -> str | None:
    """Make a model take packed rows, if it gives the same states for them as for padded ones.

    Args:
        model: Left as it was if it does not.
    Returns:
        Why not, or None.
    """
    was = model.config._attn_implementation
    if was != "sdpa":
        return f"its attention implementation is {was}"
    before = _states(model, packed=False)
    try:
        register()
        model.set_attn_implementation(NAME)
        after = _states(model, packed=True)
    except Exception as error:
        model.set_attn_implementation(was)
        return f"{model.config.model_type} takes no packed rows ({type(error).__name__})"
    if not torch.allclose(before, after, atol=1e-4, rtol=1e-4):
        model.set_attn_implementation(was)
        return f"{model.config.model_type} gives other states for packed rows"
    quicken_dropout(model)
    return None


def packed_inputs(model: PreTrainedModel, packing: Packing, inputs: dict[str, Tensor]) -> dict[str, Any]:
    """A padded batch's arguments, packed.

    Args:
        model: Has been through :func:`use_packed_attention`.
        packing: Of the batch.
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


def _states(model: PreTrainedModel, *, packed: bool) -> Tensor:
    """(N, H) last states of three short texts of different lengths, shortest first."""
    device = next(model.parameters()).device
    mask = torch.arange(5, device=device) < torch.tensor([5, 2, 3], device=device)[:, None]
    pad = model.config.pad_token_id
    ids = torch.arange(mask.numel(), device=device).view_as(mask) % 8 + (8 if isinstance(pad, int) and pad < 8 else 0)
    ids = ids.masked_fill(~mask, pad if isinstance(pad, int) else 0)
    packing, was_training = Packing.of(mask), model.training
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
    packing: Packing | None = None,
    sliding_window: int | None = None,
    **kwargs: Any,  # noqa: ANN401
) -> tuple[Tensor, None]:
    """Attend within each text.

    Args:
        module: The model's attention module.
        query: Of all tokens.
        key: Likewise.
        value: Likewise.
        attention_mask: Of a padded batch; unused with packing.
        dropout: Of the attention weights.
        scaling: Of the scores.
        packing: Where texts begin; None = a padded batch, left to transformers.
        sliding_window: A token attends to those less than this far away; None = to all of its text.
    Shape:
        query, key, value (1, heads, N, d); returns (1, N, heads, d).
    """
    if packing is None:
        return sdpa_attention_forward(  # type: ignore[return-value]
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
    if _has_kernel(query, dropout):
        return _ragged(query, key, value, packing, scaling, sliding_window, dropout), None
    if query.device.type != "cpu":
        return _padded_inside(query, key, value, packing, scaling, sliding_window, dropout), None
    sizes = [bucket.tokens for bucket in packing.buckets]
    parts = zip(*(part[0].transpose(0, 1).split(sizes) for part in (query, key, value)), packing.buckets, strict=True)
    found = [_bucketed(q, k, v, bucket, scaling, sliding_window, dropout) for q, k, v, bucket in parts]
    return torch.cat(found)[None], None


def _bucketed(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bucket: Bucket,
    scaling: float | None,
    sliding_window: int | None,
    dropout: float,
) -> Tensor:
    """Attention over texts of similar length, padded among themselves; (tokens, heads, d) each, and returned."""
    q, k, v = (_padded(part, bucket).transpose(1, 2) for part in (query, key, value))
    allowed = None if bucket.mask is None else bucket.mask[:, None, None, :]
    if sliding_window is not None and bucket.shape[1] > sliding_window:
        near = _band(bucket.shape[1], sliding_window, query.device)
        allowed = near if allowed is None else allowed & near
    out = _attend(q, k, v, allowed, scaling, dropout).transpose(1, 2).flatten(0, 1)
    return out if bucket.mask is None else out.index_select(0, bucket.places)


def _padded(values: Tensor, bucket: Bucket) -> Tensor:
    """(tokens, heads, d) → (texts, longest, heads, d)."""
    if bucket.mask is None:
        return values.unflatten(0, bucket.shape)
    texts, longest = bucket.shape
    padded = values.new_zeros(texts * longest, *values.shape[1:])
    return padded.index_copy(0, bucket.places, values).unflatten(0, bucket.shape)


def _attend(
    query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None, scaling: float | None, dropout: float
) -> Tensor:
    """torch's attention; with dropout, whose kernel on a CPU draws its random numbers slowly, the same by hand."""
    if not dropout:
        return scaled_dot_product_attention(query, key, value, attn_mask=allowed, scale=scaling)
    scores = query @ key.transpose(-1, -2) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -torch.inf)
    return quick_dropout(scores.softmax(dim=-1), dropout) @ value


def _padded_inside(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    packing: Packing,
    scaling: float | None,
    sliding_window: int | None,
    dropout: float,
) -> Tensor:
    """Attention alone over the padded batch: one kernel where a group of its own for each length would be many."""
    heads = query.shape[1]
    q, k, v = (
        packing.unpack(part.transpose(1, 2).flatten(2)).unflatten(2, (heads, -1)).transpose(1, 2)
        for part in (query, key, value)
    )
    allowed = packing.mask[:, None, None, :]
    if sliding_window is not None:
        allowed = allowed & _band(packing.mask.shape[1], sliding_window, query.device)
    out = scaled_dot_product_attention(q, k, v, attn_mask=allowed, dropout_p=dropout, scale=scaling)
    return packing.pack(out.transpose(1, 2))


def _band(length: int, sliding_window: int, device: torch.device) -> Tensor:
    """(length, length) True where two tokens are less than ``sliding_window`` apart."""
    place = torch.arange(length, device=device)
    return (place[:, None] - place).abs() < sliding_window


def _has_kernel(query: Tensor, dropout: float) -> bool:
    """Whether a kernel for ragged rows serves: half precision on CUDA; torch's own knows no dropout."""
    is_half = query.is_cuda and query.dtype in (torch.float16, torch.bfloat16)
    return is_half and (not dropout or importlib.util.find_spec("flash_attn") is not None)


def _ragged(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    packing: Packing,
    scaling: float | None,
    sliding_window: int | None,
    dropout: float,
) -> Tensor:
    q, k, v = (part[0].transpose(0, 1) for part in (query, key, value))
    reach = -1 if sliding_window is None else sliding_window - 1
    starts, longest = packing.starts, packing.lengths[-1]
    if dropout:
        from flash_attn import flash_attn_varlen_func  # type: ignore[import-not-found]

        out = flash_attn_varlen_func(
            q, k, v, starts, starts, longest, longest, dropout_p=dropout, softmax_scale=scaling,
            window_size=(reach, reach),
        )  # fmt: skip
    else:
        from torch.nn.attention.varlen import varlen_attn

        out = varlen_attn(q, k, v, starts, starts, longest, longest, scale=scaling, window_size=(reach, reach))
    return out[None]  # type: ignore[index]
