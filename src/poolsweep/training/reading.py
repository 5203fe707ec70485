"""How a run reads texts."""

from __future__ import annotations

from dataclasses import replace

from poolsweep.config import Node, RunConfig
from poolsweep.data.reading import Cut, Reading
from poolsweep.encoder import LoadedEncoder
from poolsweep.pooling import Pooling
from poolsweep.training.pooling import chunks_of

_USUAL = 128  # tokens that texts are cut to where nobody says a length
_WITHOUT_LIMIT = 512  # the same where all that an encoder can read is asked for, and it has no limit


def reading_of_run(config: RunConfig, loaded: LoadedEncoder, pooling: Pooling) -> Reading:
    """How a run reads texts."""
    cut = cut_of(config.pooling, stride=config.loading.stride)
    return replace(reading_of(config.loading.max_length, loaded, pooling), cut=cut)


def reading_of(max_length: int | str | None, loaded: LoadedEncoder, pooling: Pooling) -> Reading:
    """How texts are read; of longer ones the head.

    Args:
        max_length: In tokens; None = as many as the encoder can read; ``auto`` = as its folder says, else 128.
        loaded: Encoder and tokenizer.
        pooling: Says the template.
    """
    limit, prefix = loaded.encoder.max_length or _WITHOUT_LIMIT, loaded.prefix
    if max_length == "auto":
        max_length = loaded.shipped_length or min(_USUAL, limit)
    length = max_length if isinstance(max_length, int) else limit
    return Reading(length, pooling.template, prefix.text, prefix.pair, prefix.pooled)


def cut_of(node: Node, *, stride: int | None) -> Cut:
    """What a pooling reads of a text that is longer than an input.

    Args:
        node: Node of the pooling.
        stride: Tokens by which a window moves on; None = as many as it holds.
    """
    chunks = chunks_of(node, size=1)
    return Cut(chunks.keep, chunks.head_tokens, stride if chunks.reads_windows else None) if chunks else Cut()
