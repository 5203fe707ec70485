"""Runs an encoder over a batch, a group of its inputs at a time where not all fit into memory at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from poolsweep.data.batch import Batch
from poolsweep.encoder.encoder import Encoder
from poolsweep.encoder.output import EncoderOutput
from poolsweep.pooling import Pooling, WindowedPooling
from poolsweep.pooling.base import LayerMix, TokenPooling
from poolsweep.pooling.windowed import joins_tokens

T = TypeVar("T")


def encode(
    encoder: Encoder, batch: Batch, *, layers: Sequence[int], context: Collection[str] = (), first_tokens: bool = False
) -> EncoderOutput:
    """What an encoder gives for a batch, at most its ``max_tokens_at_once`` at a time.

    In training the activations of a group are computed again in its backward pass, with the same dropout.

    Args:
        encoder: It says how much it takes at once.
        batch: Token ids.
        layers: Hidden states to return.
        context: ``"pooler_output"`` and ``"attentions"`` if they are wanted.
        first_tokens: Whether no other token's state is read.
    """
    run = partial(_run, encoder, layers=layers, context=context, first_tokens=first_tokens)
    groups = input_groups(encoder, batch)
    if len(groups) < 2:
        return run(batch)
    outputs = [_recomputed(encoder, run, batch.inputs_at(group)) for group in groups]
    return _together(outputs, width=max(output.mask.shape[1] for output in outputs))


def encode_and_pool(encoder: Encoder, pooling: Pooling, batch: Batch) -> Tensor:
    """The pooled vector of each text of a batch; (M, D).

    Each group of inputs is pooled before the next is encoded, unless the tokens of all windows are pooled together or
    the pooling has a penalty over all texts.

    Args:
        encoder: It says how much it takes at once.
        pooling: Hidden states → one vector.
        batch: Token ids.
    """
    groups = input_groups(encoder, batch)
    if len(groups) < 2 or joins_tokens(pooling) or _has_penalty(pooling):
        return _pooled(encoder, pooling, batch)
    vectors = [_recomputed(encoder, partial(_pooled, encoder, pooling), batch.inputs_at(group)) for group in groups]
    together = torch.cat(vectors)
    return pooling.combine_windows(together, batch.windows) if isinstance(pooling, WindowedPooling) else together


def input_groups(encoder: Encoder, batch: Batch) -> list[Tensor]:
    """The inputs of a batch in groups that an encoder takes at once; padding counts where it is computed.

    Args:
        encoder: It says how much it takes at once.
        batch: Token ids.
    """
    limit = encoder.max_tokens_at_once
    if limit is None or batch.mask.numel() <= limit:
        return [torch.arange(len(batch.mask))]
    return list(_groups(batch.mask.sum(dim=1).tolist(), limit, padded=not encoder.packs))


def _groups(lengths: Sequence[int], limit: int, *, padded: bool) -> Iterator[Tensor]:
    first, longest, total = 0, 0, 0
    for place, length in enumerate(lengths):
        longest, total = max(longest, length), total + length
        tokens = longest * (place - first + 1) if padded else total
        if tokens > limit and place > first:
            yield torch.arange(first, place)
            first, longest, total = place, length, length
    yield torch.arange(first, len(lengths))


def _run(
    encoder: Encoder, batch: Batch, *, layers: Sequence[int], context: Collection[str], first_tokens: bool
) -> EncoderOutput:
    assert batch.input_ids is not None
    return encoder(
        batch.input_ids, batch.mask, batch.token_type_ids, layers=layers, context=context, first_tokens=first_tokens,
        packing=batch.packing,
    )  # fmt: skip


def _pooled(encoder: Encoder, pooling: Pooling, batch: Batch) -> Tensor:
    output = encode(
        encoder, batch, layers=pooling.layers_needed, context=pooling.context_needed,
        first_tokens=pooling.tokens.reads_first_token and batch.cls is None,
    )  # fmt: skip
    return pooling(output.hidden, output.mask, batch.context(output.pooler_output, output.attentions))


def _recomputed(encoder: Encoder, run: Callable[[Batch], T], batch: Batch) -> T:
    if not torch.is_grad_enabled() or encoder.frozen:
        return run(batch)
    found: T = checkpoint(run, batch, use_reentrant=False)  # type: ignore[assignment]
    return found


def _has_penalty(pooling: Pooling) -> bool:
    """Whether a half adds a penalty over the texts of its last forward pass to the loss."""
    layers, tokens = type(pooling.layers), type(pooling.tokens)
    return (layers.auxiliary_loss, tokens.auxiliary_loss) != (LayerMix.auxiliary_loss, TokenPooling.auxiliary_loss)


def _together(outputs: Sequence[EncoderOutput], *, width: int) -> EncoderOutput:
    """What was given for the groups of a batch, padded to the same width."""

    def wide(parts: Sequence[Tensor], *padded: bool) -> Tensor:
        """One tensor; a flag for each dimension but the first says whether it has a place per token."""
        return torch.cat([_padded(part, width, padded) for part in parts])

    hidden = [wide(each, True, False) for each in zip(*(output.hidden for output in outputs), strict=True)]
    poolers = [output.pooler_output for output in outputs if output.pooler_output is not None]
    attentions = zip(*(output.attentions or () for output in outputs), strict=True)
    return EncoderOutput(
        hidden=tuple(hidden),
        mask=wide([output.mask for output in outputs], True),
        pooler_output=wide(poolers, False) if poolers else None,
        attentions=tuple(wide(each, False, True, True) for each in attentions) or None,
    )


def _padded(tensor: Tensor, width: int, padded: Sequence[bool]) -> Tensor:
    missing = [width - size if flag else 0 for size, flag in zip(tensor.shape[1:], padded, strict=True)]
    return F.pad(tensor, [amount for each in reversed(missing) for amount in (0, each)])
