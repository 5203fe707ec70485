"""What an encoder gives to a pooling."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class EncoderOutput:
    """What an encoder gives to a pooling.

    Attributes:
        hidden: One (B, T, H) per layer asked for, in the order asked, in float32 where weights are held in less; T is 1
            where only first tokens were computed.
        mask: (B, T) True = real token of ``hidden``.
        pooler_output: (B, H) if asked for, else None.
        attentions: One (B, heads, T, T) per layer if asked for, else None.
    """

    hidden: tuple[Tensor, ...]
    mask: Tensor
    pooler_output: Tensor | None = None
    attentions: tuple[Tensor, ...] | None = None
