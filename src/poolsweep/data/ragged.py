"""Rows of different lengths, end to end in one array."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def positions(starts: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the elements of some rows lie, row after row, and the rows' lengths.

    Shape:
        starts (N + 1,): row i is at starts[i] to starts[i + 1]; rows (B,); returns (ΣT,) and (B,), both int64.
    Example:
        >>> positions(np.array([0, 2, 5]), np.array([1, 0]))
        (array([2, 3, 4, 0, 1]), array([3, 2]))
    """
    first = np.asarray(starts[rows])
    lengths = np.asarray(starts[rows + 1]) - first
    before = np.cumsum(lengths) - lengths
    return np.repeat(first - before, lengths) + np.arange(int(lengths.sum())), lengths


def length_mask(lengths: np.ndarray) -> Tensor:
    """True at the elements of rows that are padded on the right to the longest; (B,) → (B, T)."""
    longest = int(lengths.max()) if len(lengths) else 0
    return torch.from_numpy(np.arange(longest) < lengths[:, None])


def last_of_each(mask: Tensor) -> Tensor:
    """True at the last element of rows that are padded on the right; (B, T) → (B, T)."""
    return mask & ~torch.nn.functional.pad(mask[:, 1:], (0, 1))


def padded(values: np.ndarray, mask: Tensor, *, fill: float = 0, dtype: torch.dtype | None = None) -> Tensor:
    """Rows that lie end to end, padded on the right.

    Shape:
        values (ΣT, …) row after row; mask (B, T), True where an element lies; returns (B, T, …).
    """
    found = torch.from_numpy(values).to(dtype)
    result = torch.full((*mask.shape, *found.shape[1:]), fill, dtype=found.dtype)
    result[mask] = found
    return result
