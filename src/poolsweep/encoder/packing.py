"""Packing: the real tokens of a batch in one row, without padding, each text attending to itself alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from poolsweep.device import on_device

_PAIRS_PER_CALL = 8_000  # token pairs that attention gets through in the time that one more call of it takes


@dataclass(frozen=True)
class Bucket:
    """Consecutive texts of a packed row, padded among themselves.

    Attributes:
        lengths: Tokens of each text, ascending.
    """

    lengths: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Real tokens."""
        return sum(self.lengths)

    @property
    def shape(self) -> tuple[int, int]:
        """(texts, longest)."""
        return len(self.lengths), self.lengths[-1]

    @cached_property
    def mask(self) -> Tensor | None:
        """(texts, longest) True = real token; None if all texts are equally long."""
        if self.lengths[0] == self.lengths[-1]:
            return None
        return torch.arange(self.lengths[-1]) < torch.tensor(self.lengths)[:, None]

    @cached_property
    def places(self) -> Tensor:
        """(tokens,) place of each token in the flattened padded bucket."""
        mask = torch.ones(self.shape, dtype=torch.bool) if self.mask is None else self.mask
        return mask.flatten().nonzero()[:, 0]

    @cached_property
    def nearest(self) -> Tensor:
        """(texts · longest,) which token stands in each place of the padded bucket: behind a text's end its last."""
        lengths = torch.tensor(self.lengths)[:, None]
        within = torch.minimum(torch.arange(self.lengths[-1]), lengths - 1)
        return (lengths.cumsum(dim=0) - lengths + within).flatten()


@dataclass(frozen=True)
class Packing:
    """Where the real tokens of a padded batch lie in its packed row; texts are sorted by length, shortest first.

    Attributes:
        places: (N,) place of each packed token in the flattened (B · T) batch.
        lengths: Tokens of each packed text, ascending; texts without a token are left out.
        mask: (B, T) of the padded batch, True = real token.
        only_first: Only the first token of each text is wanted of the last layer.
    """

    places: Tensor
    lengths: tuple[int, ...]
    mask: Tensor
    only_first: bool = False

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

    def map(self, change: Callable[[Tensor], Tensor]) -> Packing:
        """The same with its tensors changed: moved to a device, say."""
        return Packing(change(self.places), self.lengths, change(self.mask), self.only_first)

    @cached_property
    def is_padded(self) -> bool:
        """Whether the batch has padding; without, its packed row is the batch in its own order."""
        return sum(self.lengths) < self.mask.numel()

    def pack(self, values: Tensor) -> Tensor:
        """Take the real tokens out of a padded batch.

        Shape:
            values (B, T, …); returns (1, N, …).
        """
        flat = values.flatten(0, 1)
        return (flat[self.places] if self.is_padded else flat)[None]

    def unpack(self, values: Tensor) -> Tensor:
        """Put packed tokens back where they came from, with zeros as padding.

        Shape:
            values (1, N, H); returns (B, T, H).
        """
        if not self.is_padded:
            return values[0].unflatten(0, self.mask.shape)
        padded = values.new_zeros(self.mask.numel(), values.shape[-1])
        return padded.index_copy(0, self.places, values[0]).unflatten(0, self.mask.shape)

    @cached_property
    def buckets(self) -> tuple[Bucket, ...]:
        """Runs of texts of similar length, which attention pads among themselves."""
        counts = _bucket_counts(self.lengths)
        ends = [sum(counts[: i + 1]) for i in range(len(counts))]
        return tuple(Bucket(self.lengths[end - count : end]) for count, end in zip(counts, ends, strict=True))

    @cached_property
    def firsts(self) -> Tensor:
        """(texts,) place of each text's first token in the packed row."""
        return self.starts[:-1].long()

    @cached_property
    def rows(self) -> Tensor:
        """(texts,) row of each packed text in the batch."""
        return self.places[self.firsts].div(self.mask.shape[1], rounding_mode="floor")

    def unpack_firsts(self, values: Tensor) -> Tensor:
        """Put one vector per packed text back into its row, with zeros where a row has no token.

        Shape:
            values (1, texts, H); returns (B, 1, H).
        """
        result = values.new_zeros(len(self.mask), values.shape[-1])
        return result.index_copy(0, self.rows, values[0])[:, None]

    def restored(self, states: Tensor) -> Tensor:
        """Put packed states back where they came from; with ``only_first``, of first tokens alone.

        Shape:
            states (1, N, H), or (1, texts, H) of first tokens; returns (B, T, H), or (B, 1, H).
        """
        if not self.only_first:
            return self.unpack(states)
        if states.shape[1] != len(self.lengths):
            states = states.index_select(1, self.firsts)
        return self.unpack_firsts(states)

    @cached_property
    def counted(self) -> Tensor:
        """(texts + 1,) 0, 1, 2, …: where the texts begin in a row of first tokens alone."""
        return torch.arange(len(self.lengths) + 1, dtype=torch.int32, device=self.places.device)

    @cached_property
    def starts(self) -> Tensor:
        """(texts + 1,) cumulative lengths on the device, as kernels for ragged rows want them."""
        ends = torch.tensor([0, *self.lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)
        return on_device(ends, self.places.device)


def _bucket_counts(lengths: tuple[int, ...]) -> list[int]:
    """How many texts each bucket takes, for the least padded token pairs plus calls.

    Example:
        >>> _bucket_counts((4, 5, 5, 120, 128))
        [3, 2]
    """
    best: list[tuple[int, int]] = [(0, 0)]  # cost of the first i texts, and where their last bucket begins
    for end in range(1, len(lengths) + 1):
        pairs = lengths[end - 1] ** 2
        best.append(min((best[i][0] + (end - i) * pairs + _PAIRS_PER_CALL, i) for i in range(end)))
    counts: list[int] = []
    end = len(lengths)
    while end:
        counts.append(end - best[end][1])
        end = best[end][1]
    return counts[::-1]
