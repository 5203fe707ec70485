"""The cosine of two vectors."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F


class Cosine(nn.Module):
    """``u · v / (|u| |v|)`` of the two vectors of a pair, 0 where one of them is 0.

    Args:
        input_size: Numbers of both vectors together, 2D.
        num_labels: One.
        initializer_range: Not used: there are no weights.
    Shape:
        pooled (B, 2D), u before v; returns (B, 1).
    Raises:
        ValueError: If more than one number is wanted of a pair.
    Example:
        >>> import torch
        >>> Cosine(input_size=4, num_labels=1)(torch.tensor([[3.0, 4.0, 4.0, 3.0]]))
        tensor([[0.9600]])
    """

    compares_towers: ClassVar[bool] = True  # post-processing is of each vector by itself

    def __init__(self, *, input_size: int, num_labels: int, initializer_range: float = 0.0) -> None:
        super().__init__()
        if num_labels != 1:
            raise ValueError(
                f"head=cosine gives one number a pair, and {num_labels} are wanted; it is for task=similarity"
            )

    def forward(self, pooled: Tensor) -> Tensor:
        """Compute the cosines."""
        u, v = pooled.chunk(2, dim=-1)
        return F.cosine_similarity(u, v, dim=-1, eps=1e-12)[:, None]
