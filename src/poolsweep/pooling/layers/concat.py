"""Several layers side by side."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from poolsweep.pooling.layers.span import SpanMix


class Concat(SpanMix):
    """Several layers concatenated, lowest first.

    ``[h[l]; ...]``: with the last four the strongest feature-based variant of the BERT paper.

    Args:
        first: How many of the lowest layers, or null.
        last: How many of the highest layers, or null; all layers if both are null.
        num_layers: Transformer layers of the encoder.
        hidden_size: H of the encoder.
        norm_per_layer: Bring each layer's vectors to mean 0 and variance 1 first (see ``LayerMix``).
    Shape:
        hidden: n of (B, T, H); returns (B, T, n * H).
    Raises:
        ValueError: If the encoder has fewer layers, or both ``first`` and ``last`` are given.
    Reference:
        Devlin et al. (2019), "BERT", arXiv:1810.04805, Table 7 (the last four); Sun et al. (2019), "How to Fine-Tune
        BERT for Text Classification?", arXiv:1905.05583, section 5.3 (first four, last four, all). Differs: none.
    Example:
        >>> mix = Concat(last=2, num_layers=3, hidden_size=1)
        >>> mix((torch.tensor([[[2.0]]]), torch.tensor([[[4.0]]])))
        tensor([[[2., 4.]]])
    """

    formula: ClassVar[str] = "[h[l]; …], l = {span}"
    source: ClassVar[str] = "Devlin 2019, arXiv:1810.04805, Table 7"
    linear: bool = True
    concatenates: bool = True

    def forward(self, hidden: tuple[Tensor, ...]) -> Tensor:
        """Mix the layers."""
        return torch.cat(tuple(self.states(hidden)), dim=-1)
