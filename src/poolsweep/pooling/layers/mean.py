"""The mean of several layers."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.functional import layer_mean
from poolsweep.pooling.layers.span import SpanMix


class Mean(SpanMix):
    """The mean of several layers.

    ``1/n Σ h[l]``: a vector of the encoder's own size from several layers.

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
        Sun et al. (2019), "How to Fine-Tune BERT for Text Classification?", arXiv:1905.05583, section 5.3. Differs:
        none.
    Example:
        >>> import torch
        >>> mix = Mean(last=2, num_layers=3, hidden_size=1)
        >>> mix((torch.tensor([[[2.0]]]), torch.tensor([[[4.0]]])))
        tensor([[[3.]]])
    """

    formula: ClassVar[str] = "1/n Σ h[l], l = {span}"
    source: ClassVar[str] = "Sun 2019, arXiv:1905.05583"
    linear: bool = True

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Mix the layers."""
        return layer_mean(self.states(hidden))

    def layer_weights(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Each layer counts the same."""
        return hidden[0].new_full((len(hidden),), 1 / len(hidden))
