"""The maximum over several layers."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from poolsweep.pooling.functional import layer_max
from poolsweep.pooling.layers.span import SpanMix


class Max(SpanMix):
    """The largest value of each dimension of a token over several layers.

    ``max_l h[l]``: what any of the layers found. With the first token, MaxPoolBERT's ``max_cls``.

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
        Sun et al. (2019), "How to Fine-Tune BERT for Text Classification?", arXiv:1905.05583, section 5.3; Behrendt et
        al. (2025), "MaxPoolBERT", arXiv:2505.15696. Differs: none.
    Example:
        >>> mix = Max(last=2, num_layers=3, hidden_size=1)
        >>> mix((torch.tensor([[[2.0]]]), torch.tensor([[[4.0]]])))
        tensor([[[4.]]])
    """

    formula: ClassVar[str] = "max_l h[l], l = {span}"
    source: ClassVar[str] = "Sun 2019, arXiv:1905.05583"

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Mix the layers."""
        return layer_max(self.states(hidden))

    def layer_weights(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """The share of a token's dimensions that each layer won; the lowest of equal layers wins."""
        stacked = torch.stack(tuple(self.states(hidden)), dim=2)
        winner = stacked.argmax(dim=2)
        return torch.stack([(winner == layer).float().mean(dim=-1) for layer in range(len(hidden))], dim=-1)
