"""The generalised mean."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import generalised_mean


class PowerMean(TokenPooling):
    """The power mean over real tokens, with a learned power between mean (p = 1) and maximum (p → ∞).

    ``lo + (mean_t (x[t] - lo)^p)^(1/p)`` with ``lo = min_t x[t]``, dimension by dimension. The power is 1 + softplus of
    its parameter, so it cannot fall below 1. Zeros for an all-padding row.

    Args:
        initial_power: The power to start with, above 1.
        learnable: Train the power with the rest.
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Raises:
        ValueError: If ``initial_power`` is not above 1.
    Reference:
        Radenović et al. (2017), "Fine-tuning CNN Image Retrieval with No Human Annotation", arXiv:1711.02512, eq. 3
        (GeM, learned p); Rücklé et al. (2018), "Concatenated Power Mean Word Embeddings", arXiv:1803.01400. Differs:
        GeM raises values below 1e-6 to it, which would erase half of an encoder's signed values; here each dimension
        is shifted by its smallest value first and shifted back.
    Example:
        >>> hidden, mask = torch.tensor([[[0.0], [2.0]]]), torch.tensor([[True, True]])
        >>> PowerMean(initial_power=2.0, learnable=False, input_size=1)(hidden, mask, PoolingContext())
        tensor([[1.4142]])
    """

    formula: ClassVar[str] = "lo + (mean_t (x[t] − lo)^p)^(1/p), lo = min_t x[t], p from {initial_power}"
    source: ClassVar[str] = "Radenović 2017, arXiv:1711.02512"
    per_dimension: ClassVar[bool] = True

    def __init__(self, *, initial_power: float, learnable: bool, input_size: int, include_special: bool = True) -> None:
        if not initial_power > 1:
            raise ValueError(f"pooling.tokens.initial_power must be above 1 (1 is tokens=mean), got {initial_power}")
        super().__init__(input_size=input_size, include_special=include_special)
        self.initial_power = initial_power
        excess = initial_power - 1
        raw = torch.tensor(excess + math.log(-math.expm1(-excess)))  # the inverse of softplus
        self.raw_power: Tensor
        if learnable:
            self.raw_power = nn.Parameter(raw)
        else:
            self.register_buffer("raw_power", raw)

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Take the power mean of each dimension."""
        return generalised_mean(hidden, self.kept(mask, context), 1 + F.softplus(self.raw_power))
