"""The sum of several layers."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.functional import layer_sum
from poolsweep.pooling.layers.span import SpanMix


class Sum(SpanMix):
    """The sum of several layers.

    ``Σ h[l]``: the mean times n, which matters to a head with weight decay or a fixed learning rate.

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
        Devlin et al. (2019), "BERT", arXiv:1810.04805, Table 7 (there with learned weights: ``weighted_sum``). Differs:
        all weights are 1.
    Example:
        >>> import torch
        >>> mix = Sum(last=2, num_layers=3, hidden_size=1)
        >>> mix((torch.tensor([[[2.0]]]), torch.tensor([[[4.0]]])))
        tensor([[[6.]]])
    """

    formula: ClassVar[str] = "Σ h[l], l = {span}"
    source: ClassVar[str] = "Devlin 2019, arXiv:1810.04805, Table 7"
    linear: bool = True

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Mix the layers."""
        return layer_sum(self.states(hidden))

    def layer_weights(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Each layer counts in full."""
        return hidden[0].new_ones(len(hidden))
