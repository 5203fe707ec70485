"""A learned weighted sum of layers."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from poolsweep.pooling.functional import at_least_float32, weigh_layers
from poolsweep.pooling.layers.span import SpanMix

_SMALLEST_SUM = 1e-3


class WeightedSum(SpanMix):
    """Layers times free learned weights, divided by the sum of the weights.

    ``Σ w[l] h[l] / Σ w[l]``. It starts as the mean (w = 1). Unlike ``scalar_mix`` a weight may turn negative: the mix
    can subtract a layer. A sum of weights closer to 0 than 0.001 counts as 0.001, of its own sign.

    Args:
        first: How many of the lowest layers, or null.
        last: How many of the highest layers, or null; all layers if both are null.
        normalise: Divide by the sum of the weights; if false, the start is the sum of the layers.
        num_layers: Transformer layers of the encoder.
        hidden_size: H of the encoder.
        norm_per_layer: Bring each layer's vectors to mean 0 and variance 1 first (see ``LayerMix``).
    Shape:
        hidden: n of (B, T, H); returns (B, T, H).
    Raises:
        ValueError: If the encoder has fewer layers, or both ``first`` and ``last`` are given.
    Reference:
        Devlin et al. (2019), "BERT", arXiv:1810.04805, Table 7 ("Weighted Sum Last Four Hidden"), which leaves the
        weights open; sentence-transformers' ``WeightedLayerPooling``. Differs: the sum of weights cannot be 0.
    Example:
        >>> mix = WeightedSum(last=2, normalise=True, num_layers=3, hidden_size=1)
        >>> mix((torch.zeros(1, 1, 1), torch.ones(1, 1, 1))).item()
        0.5
    """

    formula: ClassVar[str] = "Σ w[l] h[l] / Σ w[l], l = {span}"
    source: ClassVar[str] = "Devlin 2019, arXiv:1810.04805, Table 7"
    linear: bool = True

    def __init__(
        self,
        *,
        normalise: bool,
        num_layers: int,
        hidden_size: int,
        first: int | None = None,
        last: int | None = None,
        norm_per_layer: bool = False,
    ) -> None:
        super().__init__(
            num_layers=num_layers, hidden_size=hidden_size, first=first, last=last, norm_per_layer=norm_per_layer
        )
        self.normalise = normalise
        self.weight = nn.Parameter(torch.ones(len(self.layers_needed)))

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Mix the layers."""
        return weigh_layers(self.states(hidden), self.layer_weights(hidden))

    def layer_weights(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """The weights as they are applied."""
        weights = at_least_float32(self.weight)
        if not self.normalise:
            return weights
        total = weights.sum()
        smallest = torch.where(total < 0, -_SMALLEST_SUM, _SMALLEST_SUM).to(total.dtype)
        return weights / torch.where(total.abs() < _SMALLEST_SUM, smallest, total)
