"""Attention over the layers of each token."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from poolsweep.pooling.functional import at_least_float32, weigh_layers
from poolsweep.pooling.layers.span import SpanMix


class LayerAttention(SpanMix):
    """A learned query attends over the layers, for every token on its own.

    ``W Σ softmax_l(q · h[l]) h[l]``: unlike ``scalar_mix``, each text chooses its layers. With the first token, the
    BERT-Attention of its source; the query starts at 0, which is the mean.

    Args:
        first: How many of the lowest layers, or null.
        last: How many of the highest layers, or null; all layers if both are null.
        num_layers: Transformer layers of the encoder.
        hidden_size: H of the encoder.
        norm_per_layer: Bring each layer's vectors to mean 0 and variance 1 first (see ``LayerMix``).
    Shape:
        hidden: n of (B, T, H); returns (B, T, H).
    Raises:
        ValueError: If the encoder has fewer layers, or both ``first`` and ``last`` are given.
    Reference:
        Song et al. (2020), "Utilizing BERT Intermediate Layers for Aspect Based Sentiment Analysis and Natural Language
        Inference", arXiv:2002.04815, section 2.2 (BERT-Attention). Differs: the scores are divided by √H.
    Example:
        >>> mix = LayerAttention(last=2, num_layers=3, hidden_size=1)
        >>> mix.layer_weights((torch.zeros(1, 1, 1), torch.ones(1, 1, 1))).tolist()
        [[[0.5, 0.5]]]
    """

    formula: ClassVar[str] = "W Σ softmax_l(q·h[l] / √H) h[l], l = {span}"
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
        self.query = nn.Parameter(torch.zeros(hidden_size))
        self.output = nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Mix the layers."""
        weights = self.layer_weights(hidden)
        return self.output(weigh_layers(self.states(hidden), (w[..., None] for w in weights.unbind(dim=-1))))

    def layer_weights(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """The attention of each token over the layers."""
        query = at_least_float32(self.query) * self.query.shape[0] ** -0.5
        scores = [(at_least_float32(layer) * query).sum(dim=-1) for layer in self.states(hidden)]
        return torch.stack(scores, dim=-1).softmax(dim=-1)
