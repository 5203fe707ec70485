"""Two towers with the same weights: each text of a pair is encoded and pooled alone."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Len
from torch import Tensor

from poolsweep.bounds import Described
from poolsweep.errors import UserError
from poolsweep.pairs.base import Pairs

_Part = Literal["u", "v", "absdiff", "product"]
Combined = Annotated[list[_Part], Len(1), Described("a list of u, v, absdiff and product")]


class Siamese(Pairs):
    """Both pooled vectors, u of the first text and v of the second, side by side with what is computed of them.

    Args:
        combine: Parts of the result, in this order: ``u``, ``v``, ``absdiff``, \\|u − v\\|, and ``product``, u · v by
            element.
    Raises:
        UserError: If a part is named twice.
    Shape:
        pooled (2B, D), the second texts behind the first; returns (B, D × parts).
    Reference:
        Reimers and Gurevych (2019), "Sentence-BERT", arXiv:1908.10084, sec. 3. Differs: none, with the default parts.
    Example:
        >>> Siamese(combine=["u", "v", "absdiff", "product"])(torch.tensor([[1.0], [3.0]]))
        tensor([[1., 3., 2., 3.]])
    """

    two_towers: ClassVar[bool] = True

    def __init__(self, *, combine: Combined) -> None:
        twice = [part for part, count in Counter(combine).items() if count > 1]
        if twice:
            raise UserError(f"pairs.combine has {twice[0]} more than once")
        self.combine = list(combine)

    def output_size(self, size: int) -> int:
        """As many numbers for each part."""
        return size * len(self.combine)

    def __call__(self, pooled: Tensor) -> Tensor:
        """The parts, side by side."""
        u, v = pooled.chunk(2)
        known = {"u": lambda: u, "v": lambda: v, "absdiff": lambda: (u - v).abs(), "product": lambda: u * v}
        return torch.cat([known[part]() for part in self.combine], dim=-1)
