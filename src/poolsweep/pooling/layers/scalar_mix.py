"""ELMo's learned mix of all layers."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from poolsweep.bounds import Probability
from poolsweep.pooling.functional import at_least_float32, weigh_layers
from poolsweep.pooling.layers.span import SpanMix


class ScalarMix(SpanMix):
    """A learned convex combination of layers, times a learned scale.

    ``γ Σ softmax(s)[l] h[l]``. It starts as the mean (s = 0, γ = 1). Layer dropout takes a layer's weight away with
    probability ``layer_dropout`` during training and shares it out among the others, so that no single layer wins
    early.

    Args:
        last: How many of the last layers, or null for all of them.
        include_embeddings: Mix the embeddings (layer 0) in too, as ELMo does.
        layer_dropout: Probability with which a layer is left out of a training step; if all are, none is.
        num_layers: Transformer layers of the encoder.
        hidden_size: H of the encoder.
        norm_per_layer: Bring each layer's vectors to mean 0 and variance 1 first (see ``LayerMix``).
    Shape:
        hidden: n of (B, T, H); returns (B, T, H).
    Raises:
        ValueError: If the encoder has fewer layers, or ``layer_dropout`` is not in [0, 1).
    Reference:
        Peters et al. (2018), "Deep contextualized word representations", arXiv:1802.05365, eq. 1; layer dropout:
        Kondratyuk and Straka (2019), "75 Languages, 1 Model", arXiv:1904.02099, section 3.2. Differs: ELMo's layer
        normalisation (over a whole batch) is ``norm_per_layer`` (token by token), so the batch changes nothing.
    Example:
        >>> mix = ScalarMix(last=2, include_embeddings=False, layer_dropout=0.0, num_layers=3, hidden_size=1)
        >>> mix((torch.zeros(1, 1, 1), torch.ones(1, 1, 1))).item()
        0.5
    """

    formula: ClassVar[str] = "γ Σ softmax(s)[l] h[l], l = {span}"
    source: ClassVar[str] = "Peters 2018, arXiv:1802.05365"
    linear: bool = True

    def __init__(
        self,
        *,
        last: int | None,
        include_embeddings: bool,
        layer_dropout: Probability,
        num_layers: int,
        hidden_size: int,
        norm_per_layer: bool = False,
    ) -> None:
        if not 0 <= layer_dropout < 1:
            raise ValueError(f"pooling.layers.layer_dropout must be at least 0 and below 1, got {layer_dropout}")
        super().__init__(num_layers=num_layers, hidden_size=hidden_size, last=last, norm_per_layer=norm_per_layer)
        if include_embeddings:
            self.add_embeddings()
        self.layer_dropout = layer_dropout
        self.scores = nn.Parameter(torch.zeros(len(self.layers_needed)))
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Mix the layers."""
        return weigh_layers(self.states(hidden), self._weights() * self.scale)

    def layer_weights(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """The softmax of the learned scores, without the scale."""
        return at_least_float32(self.scores).softmax(dim=0)

    def _weights(self) -> Tensor:
        scores = at_least_float32(self.scores)
        if self.training and self.layer_dropout > 0:
            dropped = torch.rand(scores.shape, device=scores.device) < self.layer_dropout
            scores = scores.masked_fill(dropped & ~dropped.all(), torch.finfo(scores.dtype).min)
        return scores.softmax(dim=0)
