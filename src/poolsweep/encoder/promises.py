"""What poolings rely on in an encoder, tried on a few tokens: padding reaches no text, and [CLS] has seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poolsweep.encoder.encoder import Encoder
from poolsweep.encoder.precision import in_float32, is_quantized
from poolsweep.errors import UserError

_SHORT, _LONG = 4, 7  # tokens of the texts that an encoder is tried on
_SAME_WITHIN = 1e-4  # of a state's norm; batches of another shape move it by 1e-6
_SAME_QUANTIZED_WITHIN = 5e-2  # in 8 bits, values are rounded by the largest of a batch
_OTHER_FROM = 1e-6
_known: dict[tuple[type, str, bool], Promises] = {}


@dataclass(frozen=True)
class Promises:
    """What holds for every text that an encoder reads.

    Attributes:
        ignores_padding: A text has the same states alone and beside a longer one.
        first_sees_text: The first token's state depends on the tokens behind it; a causal model's does not.
        last_sees_text: The last token's state depends on the tokens before it.
    """

    ignores_padding: bool
    first_sees_text: bool
    last_sees_text: bool


def promises_of(encoder: Encoder, *, pad_token_id: int, special_ids: Sequence[int]) -> Promises:
    """Try an encoder, once per process for each architecture: weights do not count.

    Args:
        encoder: Left as it is.
        pad_token_id: What padding is filled with.
        special_ids: Ids that some models treat in their own way.
    Raises:
        UserError: If it cannot read token ids.
    """
    key = (type(encoder.model), encoder.model.config.to_json_string(), encoder.packs)
    if key not in _known:
        was_training = encoder.training
        encoder.eval()
        try:
            with torch.no_grad(), in_float32(encoder.model):
                _known[key] = _try(encoder, pad_token_id=pad_token_id, special_ids=special_ids)
        except Exception as error:  # a model of any kind, perhaps with code of its own
            reason = " ".join(str(error).split())
            kind = encoder.model.config.model_type
            raise UserError(f"{encoder.name} ({kind}) cannot be run on token ids alone: {reason}") from error
        finally:
            encoder.train(was_training)
    return _known[key]


def _try(encoder: Encoder, *, pad_token_id: int, special_ids: Sequence[int]) -> Promises:
    device = next(encoder.parameters()).device
    rows = getattr(encoder.model.get_input_embeddings(), "num_embeddings", 2 * _LONG)
    words = [i for i in range(min(rows, 4 * _LONG + len(special_ids))) if i not in {*special_ids, pad_token_id}]
    text = torch.tensor([words[i % len(words)] for i in range(3 * _LONG)], device=device).view(3, _LONG)
    text[2, 0], text[2, -1] = text[1, 0], text[1, -1]  # the third differs from the second between its ends
    mask = torch.ones_like(text, dtype=torch.bool)
    mask[0, _SHORT:] = False
    text[0, _SHORT:] = pad_token_id
    within = _SAME_QUANTIZED_WITHIN if is_quantized(encoder.model) else _SAME_WITHIN
    together, alone = (_last_states(encoder, text[:n, :t], mask[:n, :t]) for n, t in ((3, _LONG), (1, _SHORT)))
    return Promises(
        ignores_padding=_difference(together[0, :_SHORT], alone[0]) < within,
        first_sees_text=_difference(together[1, 0], together[2, 0]) > _OTHER_FROM,
        last_sees_text=_difference(together[1, -1], together[2, -1]) > _OTHER_FROM,
    )


def _last_states(encoder: Encoder, ids: Tensor, mask: Tensor) -> Tensor:
    return encoder(ids, mask, layers=[encoder.num_layers]).hidden[0]


def _difference(one: Tensor, other: Tensor) -> float:
    """The largest distance of two states, as a share of the state's norm."""
    distance = (one - other).norm(dim=-1) / one.norm(dim=-1).clamp_min(torch.finfo(one.dtype).tiny)
    return float(distance.max())
