"""How a text becomes the tokens that an encoder reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """What decides the tokens of a text, beside the tokenizer.

    Attributes:
        max_length: Longest input in tokens, special tokens included; longer texts are cut.
        template: Each text stands in place of its ``{text}``, which may come twice; its ``[MASK]``, if it has one, is
            the tokenizer's mask token. A text that does not fit is cut, never the template. None = texts are read as
            they are.
    """

    max_length: int
    template: str | None = None
