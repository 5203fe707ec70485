"""The mean of the first and the last layer."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import LayerMix
from poolsweep.pooling.functional import layer_mean


class FirstLastMean(LayerMix):
    """The mean of a low layer and the last ("first-last-avg").

    ``(h[first] + h[-1]) / 2``: words and meaning in one vector; with a mean over tokens the usual start of whitening.
    If ``first`` is the last layer itself, that layer alone.

    Args:
        first: The low layer: 1 = the first transformer layer, 0 = the embeddings (both are found under this name).
        num_layers: Transformer layers of the encoder.
        hidden_size: H of the encoder.
        norm_per_layer: Bring each layer's vectors to mean 0 and variance 1 first (see ``LayerMix``).
    Shape:
        hidden: two of (B, T, H); returns (B, T, H).
    Raises:
        ValueError: If the encoder has no layer ``first``.
    Reference:
        Li et al. (2020), "On the Sentence Embeddings from Pre-trained Language Models", arXiv:2011.05864; Su et al.
        (2021), "Whitening Sentence Representations", arXiv:2103.15316. Differs: none.
    Example:
        >>> import torch
        >>> mix = FirstLastMean(first=1, num_layers=3, hidden_size=1)
        >>> mix.layers_needed, mix((torch.zeros(1, 1, 1), torch.ones(1, 1, 1)))
        ((1, 3), tensor([[[0.5000]]]))
    """

    formula: ClassVar[str] = "(h[{first}] + h[-1]) / 2"
    source: ClassVar[str] = "Su 2021, arXiv:2103.15316"
    linear: bool = True

    def __init__(self, *, first: int, num_layers: int, hidden_size: int, norm_per_layer: bool = False) -> None:
        if not 0 <= first <= num_layers:
            raise ValueError(
                f"pooling.layers.first must lie between 0 and the encoder's {num_layers} layers, got {first}"
            )
        layers = (first, num_layers) if first != num_layers else (num_layers,)
        super().__init__(layers_needed=layers, output_size=hidden_size, norm_per_layer=norm_per_layer)
        self.first = first

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Average the two layers."""
        return layer_mean(self.states(hidden))

    def layer_weights(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Each layer counts the same."""
        return hidden[0].new_full((len(hidden),), 1 / len(hidden))
