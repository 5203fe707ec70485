"""The mean of the last layers."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from poolsweep.pooling.base import LayerMix
from poolsweep.pooling.functional import layer_mean
from poolsweep.pooling.layers.span import last_layers


class Mean(LayerMix):
    """The mean of the last ``last`` layers.

    ``1/n Σ h[l]`` for l in the last n: a vector of the encoder's own size from several layers.

    Args:
        last: How many of the last layers (n).
        num_layers: Transformer layers of the encoder.
        hidden_size: H of the encoder.
    Shape:
        hidden: n of (B, T, H); returns (B, T, H).
    Raises:
        ValueError: If the encoder has fewer layers.
    Reference:
        Devlin et al. (2019), "BERT", arXiv:1810.04805, Table 7 (there the sum). Differs: divided by n.
    Example:
        >>> import torch
        >>> mix = Mean(last=2, num_layers=3, hidden_size=1)
        >>> mix((torch.zeros(1, 1, 1), torch.ones(1, 1, 1)))
        tensor([[[0.5000]]])
    """

    formula: ClassVar[str] = "1/{last} Σ h[l], l = -{last} … -1"
    linear: ClassVar[bool] = True

    def __init__(self, *, last: int, num_layers: int, hidden_size: int) -> None:
        super().__init__(layers_needed=last_layers(last, num_layers=num_layers), output_size=hidden_size)
        self.last = last

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Average the layers."""
        return layer_mean(hidden)
