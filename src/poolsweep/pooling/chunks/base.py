"""What every way of reading a long document is."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor, nn


class ChunkPooling(nn.Module):
    """Says what is read of a document that is longer than the encoder's input, and makes one vector of its windows.

    A subclass takes the derived size ``input_size`` beside its own options. Its result for a single window must be that
    window's vector, to the bit.

    Args:
        input_size: D, the size of a window's vector, and of the result.
    Attributes:
        keep: What is read: ``windows`` that hold all tokens; or ``head``, ``tail``, ``head_tail`` alone, where there is
            nothing to combine.
        head_tokens: Tokens of the head, for ``head_tail``.
        joins_tokens: The tokens of all windows are pooled together, and ``forward`` is not called.
        formula: The arithmetic in one line, for ``poolsweep poolings``; ``{name}`` stands for the attribute.
        source: A short citation.
    """

    keep: Literal["head", "tail", "head_tail", "windows"] = "windows"
    head_tokens: int = 0
    joins_tokens: ClassVar[bool] = False
    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""

    def __init__(self, *, input_size: int) -> None:
        super().__init__()
        self.input_size = self.output_size = input_size

    @property
    def reads_windows(self) -> bool:
        """Whether a long document has several inputs."""
        return self.keep == "windows"

    def forward(self, vectors: Tensor, mask: Tensor, tokens: Tensor) -> Tensor:
        """Combine windows.

        Shape:
            vectors (M, W, D) float; mask (M, W) bool, True = a window; tokens (M, W) int64, tokens that each adds to
            its document; returns (M, D).
        """
        raise TypeError(f"{type(self).__name__} does not define forward(vectors, mask, tokens)")
