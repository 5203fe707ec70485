"""How a text becomes the tokens that an encoder reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Cut:
    """What is read of a text that is longer than the encoder's input.

    Attributes:
        keep: ``head``, ``tail`` or ``head_tail``: those tokens alone; ``windows``: all, in several inputs.
        head_tokens: Tokens of the head where the tail is kept too; the tail gets what is left of the input.
        stride: Tokens by which a window moves on; None = as many as it holds, so that no token is in two.
    """

    keep: Literal["head", "tail", "head_tail", "windows"] = "head"
    head_tokens: int = 0
    stride: int | None = None


@dataclass(frozen=True)
class Reading:
    """What decides the tokens of a text, beside the tokenizer.

    Attributes:
        max_length: Longest input in tokens, special tokens included.
        template: Each text stands in place of its ``{text}``, which may come twice; its ``[MASK]``, if it has one, is
            the tokenizer's mask token. A text that does not fit is cut, never the template. None = texts are read as
            they are.
        prefix: What is put before every text; before the first of two that are one input.
        prefix_pair: What is put before the second of two texts that are inputs of their own; None = ``prefix``.
        pool_prefix: Whether the tokens of a prefix are pooled; the encoder reads them in any case.
        cut: What is read of a longer text.
    """

    max_length: int
    template: str | None = None
    prefix: str = ""
    prefix_pair: str | None = None
    pool_prefix: bool = True
    cut: Cut = Cut()

    @property
    def of_second(self) -> Reading:
        """How the second text of a pair is read where it is an input of its own."""
        return self if self.prefix_pair is None else replace(self, prefix=self.prefix_pair, prefix_pair=None)
