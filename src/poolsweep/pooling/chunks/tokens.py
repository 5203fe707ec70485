"""The tokens of all windows, pooled together."""

from __future__ import annotations

from typing import ClassVar

from poolsweep.pooling.chunks.base import ChunkPooling


class Tokens(ChunkPooling):
    """Pools the states of all windows as if they were one long text.

    Each token counts once: one of an overlap with its state in the first of its windows, and special tokens at the
    beginning of the first window and at the end of the last. A token has seen its own window alone.

    Args:
        input_size: Size of a pooled vector.
    Reference:
        This project. Differs: none.
    Example:
        >>> Tokens(input_size=8).joins_tokens
        True
    """

    formula: ClassVar[str] = "the token pooling, over the tokens of all windows"
    source: ClassVar[str] = "this project"
    joins_tokens: ClassVar[bool] = True
