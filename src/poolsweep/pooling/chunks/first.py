"""The first window alone, by its name."""

from __future__ import annotations

from typing import ClassVar, Literal

from poolsweep.pooling.chunks.base import ChunkPooling


class First(ChunkPooling):
    """The vector of the first window; no other is read.

    The same as truncation to the head. What other libraries call the [CLS] of a long document is the [CLS] of its first
    window: this name says so beside poolings of all windows.

    Args:
        input_size: Size of a pooled vector.
    Reference:
        This project. Differs: none.
    Example:
        >>> First(input_size=8).reads_windows
        False
    """

    formula: ClassVar[str] = "w[0]"
    source: ClassVar[str] = "this project"
    keep: Literal["head", "tail", "head_tail", "windows"] = "head"
