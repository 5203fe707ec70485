"""Packing: the real tokens of a batch in one row, without padding, each text attending to itself alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """Where the real tokens of a padded batch lie in its packed row; texts are sorted by length, shortest first.

    Attributes:
        places: (N,) place of each packed token in the flattened (B · T) batch.
        lengths: Tokens of each packed text, ascending; texts without a token are left out.
        mask: (B, T) of the padded batch, True = real token.
    """

    places: Tensor
    lengths: tuple[int, ...]
    mask: Tensor

    @classmethod
    def of(cls, mask: Tensor) -> Packing:
        """Lay out a batch; on CUDA this waits for the device once, for the lengths.

        Args:
            mask: True = real token.
        Shape:
            mask (B, T).
        """
        counts = mask.sum(dim=1)
        order = torch.argsort(counts, stable=True)
        rows, columns = mask[order].nonzero(as_tuple=True)
        places = order[rows] * mask.shape[1] + columns
        lengths = tuple(n for n in counts[order].tolist() if n)
        return cls(places, lengths, mask)

    def pack(self, values: Tensor) -> Tensor:
        """Take the real tokens out of a padded batch.

        Shape:
            values (B, T, …); returns (1, N, …).
        """
        return values.flatten(0, 1)[self.places][None]

    def unpack(self, values: Tensor) -> Tensor:
        """Put packed tokens back where they came from, with zeros as padding.

        Shape:
            values (1, N, H); returns (B, T, H).
        """
        padded = values.new_zeros(self.mask.numel(), values.shape[-1])
        return padded.index_copy(0, self.places, values[0]).unflatten(0, self.mask.shape)

    @cached_property
    def groups(self) -> tuple[tuple[int, int], ...]:
        """(number of texts, their length) of each run of equally long texts."""
        found: dict[int, int] = {}
        for length in self.lengths:
            found[length] = found.get(length, 0) + 1
        return tuple((count, length) for length, count in found.items())

    @cached_property
    def sizes(self) -> list[int]:
        """Tokens of each group."""
        return [count * length for count, length in self.groups]

    @cached_property
    def starts(self) -> Tensor:
        """(texts + 1,) cumulative lengths on the device, as kernels for ragged rows want them."""
        ends = torch.tensor([0, *self.lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)
        return ends.to(self.places.device, non_blocking=True)
