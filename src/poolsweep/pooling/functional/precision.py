"""In which dtype sums are kept."""

from __future__ import annotations

import torch
from torch import Tensor


def accumulation_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which values of ``dtype`` are summed: float32, or float64 for float64.

    Example:
        >>> accumulation_dtype(torch.bfloat16)
        torch.float32
    """
    return torch.promote_types(dtype, torch.float32)


def at_least_float32(tensor: Tensor) -> Tensor:
    """``tensor`` in the dtype in which its values are summed; itself if it has it already."""
    return tensor.to(accumulation_dtype(tensor.dtype))
