"""An LSTM that reads the layers of each token."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from poolsweep.pooling.functional import run_cell
from poolsweep.pooling.layers.span import SpanMix


class Lstm(SpanMix):
    """An LSTM reads the layers from the lowest to the highest, for every token on its own; its last output is the mix.

    ``LSTM(h[1], …, h[L])``. With the first token, the BERT-LSTM of its source. Beside a token pooling that does not
    select a token it runs on all of them, which is slow.

    Args:
        first: How many of the lowest layers, or null.
        last: How many of the highest layers, or null; all layers if both are null.
        num_layers: Transformer layers of the encoder.
        hidden_size: H of the encoder, and the size of the LSTM's state.
        norm_per_layer: Bring each layer's vectors to mean 0 and variance 1 first (see ``LayerMix``).
    Shape:
        hidden: n of (B, T, H); returns (B, T, H).
    Raises:
        ValueError: If the encoder has fewer layers, or both ``first`` and ``last`` are given.
    Reference:
        Song et al. (2020), "Utilizing BERT Intermediate Layers for Aspect Based Sentiment Analysis and Natural Language
        Inference", arXiv:2002.04815, section 2.2 (BERT-LSTM). Differs: none.
    Example:
        >>> import torch
        >>> mix = Lstm(num_layers=3, hidden_size=2)
        >>> mix.layers_needed, mix((torch.zeros(1, 5, 2), torch.ones(1, 5, 2), torch.ones(1, 5, 2))).shape
        ((1, 2, 3), torch.Size([1, 5, 2]))
    """

    formula: ClassVar[str] = "LSTM(h[l]), l = {span}"
    source: ClassVar[str] = "Song 2020, arXiv:2002.04815"

    def __init__(
        self,
        *,
        num_layers: int,
        hidden_size: int,
        first: int | None = None,
        last: int | None = None,
        norm_per_layer: bool = False,
    ) -> None:
        super().__init__(
            num_layers=num_layers, hidden_size=hidden_size, first=first, last=last, norm_per_layer=norm_per_layer
        )
        self.cell = nn.LSTMCell(hidden_size, hidden_size)

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Read the layers."""
        return run_cell(self.cell, self.states(hidden))
