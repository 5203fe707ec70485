"""The last layers side by side."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from poolsweep.pooling.base import LayerMix
from poolsweep.pooling.layers.span import last_layers


class Concat(LayerMix):
    """The last ``last`` layers concatenated, lowest first.

    ``[h[L-n+1]; ...; h[L]]``: the strongest feature-based variant of the BERT paper with n = 4.

    Args:
        last: How many of the last layers (n).
        num_layers: Transformer layers of the encoder (L).
        hidden_size: H of the encoder.
    Shape:
        hidden: n of (B, T, H); returns (B, T, n * H).
    Raises:
        ValueError: If the encoder has fewer layers.
    Reference:
        Devlin et al. (2019), "BERT", arXiv:1810.04805, Table 7. Differs: none.
    Example:
        >>> mix = Concat(last=2, num_layers=3, hidden_size=1)
        >>> mix((torch.zeros(1, 1, 1), torch.ones(1, 1, 1)))
        tensor([[[0., 1.]]])
    """

    formula: ClassVar[str] = "[h[-{last}]; …; h[-1]]"
    linear: ClassVar[bool] = True
    concatenates: ClassVar[bool] = True

    def __init__(self, *, last: int, num_layers: int, hidden_size: int) -> None:
        super().__init__(layers_needed=last_layers(last, num_layers=num_layers), output_size=last * hidden_size)
        self.last = last

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Concatenate the layers."""
        return torch.cat(hidden, dim=-1)
