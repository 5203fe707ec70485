"""A pooling of documents that the encoder reads in windows."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from poolsweep.pooling.base import LayerMix, PoolingContext, TokenPooling, as_bool
from poolsweep.pooling.chunks.base import ChunkPooling
from poolsweep.pooling.pooling import Pooling
from poolsweep.pooling.windows import Windows, join_windows


class WindowedPooling(Pooling):
    """Combines layers, then tokens of each window, then windows; or the tokens of all windows together.

    A document of one window has the vector that ``Pooling`` gives it, to the bit.

    Args:
        layers: How the layers are combined.
        tokens: How the tokens of the result become one vector.
        chunks: How the windows of a document become one vector.
    Shape:
        hidden: one (N, T, H) for each of ``layers_needed``; mask (N, T) bool; the context's ``windows`` are of M
        documents; returns (M, output_size). Without ``windows`` each input is a document: (N, output_size).
    Example:
        >>> import torch
        >>> from poolsweep.pooling.chunks.mean import Mean as MeanOfWindows
        >>> from poolsweep.pooling.layers.single import Single
        >>> from poolsweep.pooling.tokens.max import Max
        >>> pooling = WindowedPooling(
        ...     layers=Single(index=-1, num_layers=2, hidden_size=1), tokens=Max(input_size=1),
        ...     chunks=MeanOfWindows(input_size=1),
        ... )
        >>> windows = Windows.of(torch.tensor([2]), torch.tensor([2, 1]))
        >>> hidden, mask = torch.tensor([[[1.0], [3.0]], [[5.0], [0.0]]]), torch.tensor([[True, True], [True, False]])
        >>> pooling((hidden,), mask, PoolingContext(windows=windows))
        tensor([[4.]])
    """

    def __init__(self, *, layers: LayerMix, tokens: TokenPooling, chunks: ChunkPooling) -> None:
        super().__init__(layers=layers, tokens=tokens)
        self.chunks = chunks

    def forward(self, hidden: tuple[Tensor, ...], mask: Tensor, context: PoolingContext | None = None) -> Tensor:
        """Pool the hidden states of the needed layers, and the windows of each document."""
        mask, context = as_bool(mask), context or PoolingContext()
        windows = context.windows
        if windows is None:
            return super().forward(hidden, mask, context)
        if joins_tokens(self):
            return super().forward(*join_windows(hidden, mask, context))
        return self.combine_windows(super().forward(hidden, mask, replace(context, windows=None)), windows)

    def combine_windows(self, vectors: Tensor, windows: Windows | None) -> Tensor:
        """Make one vector of the windows of each document.

        Args:
            vectors: Pooled vectors of the windows.
            windows: Which of them are of one document; None = each is one.
        Shape:
            vectors (N, D); returns (M, D).
        """
        if windows is None:
            return vectors
        return self.chunks(windows.gather(vectors), windows.mask, windows.tokens)


def joins_tokens(pooling: Pooling) -> bool:
    """Whether the tokens of all windows of a document are pooled together."""
    return isinstance(pooling, WindowedPooling) and pooling.chunks.joins_tokens
