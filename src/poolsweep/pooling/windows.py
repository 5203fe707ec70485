"""Which inputs of a batch are the windows of one document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.functional import zero_padding


@dataclass(eq=False)  # not frozen: Lightning sets the fields of what is in a batch, to change precision
class Windows:
    """The windows of M documents among the N inputs of a batch.

    Attributes:
        places: (M, W) int64, the input that each window is, in the order of the document; -1 = there is none.
        tokens: (M, W) int64, tokens that each window adds to its document: those of an overlap count in the first.
        repeated: (N, T) bool, True at tokens that another window counts; None for inputs without tokens.
    """

    places: Tensor
    tokens: Tensor
    repeated: Tensor | None = None

    @classmethod
    def of(cls, counts: Tensor, tokens: Tensor, repeated: Tensor | None = None) -> Windows:
        """Those of documents whose windows lie end to end.

        Args:
            counts: Windows of each document, at least one.
            tokens: Tokens that each window adds.
            repeated: Tokens that another window counts.
        Shape:
            counts (M,) int64; tokens (N,) int64; repeated (N, T) bool.
        Example:
            >>> Windows.of(torch.tensor([1, 2]), torch.tensor([4, 4, 3])).places
            tensor([[ 0, -1],
                    [ 1,  2]])
        """
        within = torch.arange(int(counts.max()) if len(counts) else 0)
        mask = within < counts[:, None]
        places = (counts.cumsum(0) - counts)[:, None] + within
        padded = torch.zeros(mask.shape, dtype=torch.int64).masked_scatter(mask, tokens)
        return cls(places.masked_fill(~mask, -1), padded, repeated)

    @property
    def mask(self) -> Tensor:
        """(M, W) bool, True = a window."""
        return self.places >= 0

    def gather(self, values: Tensor) -> Tensor:
        """What each window has of a batch's inputs; where there is no window, that of input 0 stands.

        Shape:
            values (N, …); returns (M, W, …).
        """
        return values[self.places.clamp(min=0)]

    def inputs_of(self, documents: Tensor) -> Tensor:
        """The inputs of some documents, in their order.

        Args:
            documents: (K,) int64.
        """
        return self.places[documents][self.mask[documents]]

    def select(self, documents: Tensor) -> Windows:
        """Some of the documents, their inputs numbered anew in their order.

        Args:
            documents: (K,) int64.
        """
        kept = self.mask[documents].any(dim=0)  # no column that none of them needs
        places, tokens = self.places[documents][:, kept], self.tokens[documents][:, kept]
        mask = places >= 0
        repeated = None if self.repeated is None else self.repeated[places[mask]]
        order = torch.arange(int(mask.sum()), device=places.device)
        return Windows(places.masked_scatter(mask, order), tokens, repeated)

    def beside(self, other: Windows, *, inputs: int, repeated: Tensor | None) -> Windows:
        """The documents of two batches.

        Args:
            other: Those that follow.
            inputs: Number of inputs before theirs.
            repeated: Repeated tokens of both.
        """
        width = max(self.places.shape[1], other.places.shape[1])

        def wide(values: Tensor, fill: int) -> Tensor:
            return F.pad(values, (0, width - values.shape[1]), value=fill)

        behind = torch.where(other.mask, other.places + inputs, -1)
        return Windows(
            torch.cat([wide(self.places, -1), wide(behind, -1)]),
            torch.cat([wide(self.tokens, 0), wide(other.tokens, 0)]),
            repeated,
        )

    def map(self, change: Callable[[Tensor], Tensor]) -> Windows:
        """The same with its tensors changed: moved to a device, say."""
        repeated = None if self.repeated is None else change(self.repeated)
        return Windows(change(self.places), change(self.tokens), repeated)


def join_windows(
    hidden: tuple[Tensor, ...], mask: Tensor, context: PoolingContext
) -> tuple[tuple[Tensor, ...], Tensor, PoolingContext]:
    """The states of each document as those of one long text, every token of it once.

    Shape:
        hidden (N, T, H) each; mask (N, T) bool; the context's ``windows`` are of M documents; returns (M, T', H) each,
        zeros as padding, and (M, T').
    """
    windows = context.windows
    assert windows is not None
    assert windows.repeated is not None
    length = mask.shape[1]
    kept = (windows.gather(mask & ~windows.repeated) & windows.mask[..., None]).flatten(1)
    counts = kept.sum(dim=1)
    width = int(counts.max()) if len(counts) else 0
    places = windows.places.clamp(min=0)[..., None] * length + torch.arange(length, device=mask.device)
    order = (~kept).to(torch.int8).argsort(dim=1, stable=True)[:, :width]
    places = places.flatten(1).gather(1, order)
    joined = torch.arange(width, device=mask.device) < counts[:, None]

    def moved(values: Tensor | None) -> Tensor | None:
        return None if values is None else values.flatten(0, 1)[places] & joined

    states = tuple(zero_padding(layer.flatten(0, 1)[places], joined) for layer in hidden)
    known = {name: moved(getattr(context, name)) for name in ("special", "cls", "prefix")}
    return states, joined, replace(context, windows=None, **known)
