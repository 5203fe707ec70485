"""One input of each document: what does not fit is left out."""

from __future__ import annotations

from typing import ClassVar, Literal

from poolsweep.bounds import PositiveInt
from poolsweep.pooling.chunks.base import ChunkPooling


class Truncate(ChunkPooling):
    """Reads the head of a long document, its tail, or both ends.

    Args:
        keep: ``head``: the first tokens; ``tail``: the last ones; ``head_tail``: ``head_tokens`` first ones, and of the
            last ones what fits behind them.
        head_tokens: Tokens of the head in ``head_tail``, without special tokens.
        input_size: Size of a pooled vector.
    Reference:
        Sun et al. (2019), "How to Fine-Tune BERT for Text Classification?", arXiv:1905.05583, section 5.3.1: 128 of the
        head and 382 of the tail. Differs: none, with ``data.max_length=512``.
    Example:
        >>> Truncate(keep="tail", head_tokens=128, input_size=8).reads_windows
        False
    """

    formula: ClassVar[str] = "one input: {keep} of the document"
    source: ClassVar[str] = "Sun 2019, arXiv:1905.05583"

    def __init__(
        self, *, keep: Literal["head", "tail", "head_tail"], head_tokens: PositiveInt, input_size: int
    ) -> None:
        super().__init__(input_size=input_size)
        self.keep, self.head_tokens = keep, head_tokens if keep == "head_tail" else 0
