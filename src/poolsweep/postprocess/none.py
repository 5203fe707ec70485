"""Nothing: the head reads the pooled vector as it is."""

from __future__ import annotations

from poolsweep.postprocess.base import Postprocess


class None_(Postprocess):  # noqa: N801
    """The pooled vector, unchanged.

    Args:
        size: D.
    Shape:
        pooled (B, D); returns (B, D).
    Example:
        >>> import torch
        >>> None_(size=2)(torch.tensor([[1.0, 2.0]]))
        tensor([[1., 2.]])
    """
