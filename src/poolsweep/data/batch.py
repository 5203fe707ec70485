"""What flows from the data module to the classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from poolsweep.device import on_device
from poolsweep.encoder.packing import Packing
from poolsweep.pooling import PoolingContext
from poolsweep.pooling.windows import Windows


@dataclass
class Batch:
    """Some examples of one split.

    Either ``input_ids`` are set, for the encoder, or ``features``, what was stored of a frozen one. Each row is one
    input, or two: then N = 2B, and the second inputs of all rows come behind all first ones. Else N = B. A long text
    may be several inputs, its windows: ``windows`` says which, and takes the place of the order.

    Attributes:
        targets: What the task predicts of each text: (B,) int64 label ids, or as the task has them.
        row_ids: (B,) int64, the row in the source file, 0 = first after the header.
        mask: (N, T) bool, True = real token.
        input_ids: (N, T) int64.
        token_type_ids: (N, T) int64, for encoders that have segments.
        special: (N, T) bool, True at special tokens, if the pooling asks for it.
        template: (N, T) bool, True at the [MASK] of an input template, or else at the last copy of the text in it.
        cls: (N, T) bool, True at [CLS], for tokenizers that do not put it first.
        prefix: (N, T) bool, True at tokens of a prefix that are not pooled; None = all are.
        windows: The windows of each text, one text after the other; None = each text is one input.
        features: Stored features, (N, …) each; the ``FeatureRequest`` that stored them makes pooled vectors of them.
        weight: Factor of its mean loss in the mean over processes and accumulated steps; 0: it does not count.
        total: Rows that all processes have in this step together; None = those of this batch.
        packing: Layout of the packed row, for a batch that goes to a device: made there, it would wait for the device.
    """

    targets: Tensor
    row_ids: Tensor
    mask: Tensor
    input_ids: Tensor | None = None
    token_type_ids: Tensor | None = None
    special: Tensor | None = None
    template: Tensor | None = None
    cls: Tensor | None = None
    prefix: Tensor | None = None
    windows: Windows | None = None
    features: tuple[Tensor, ...] = ()
    weight: float = 1.0
    total: int | None = None
    packing: Packing | None = None

    def __len__(self) -> int:
        return self.targets.shape[0]

    @property
    def tokens(self) -> Tensor:
        """Tokens of each row, in all of its inputs; (B,)."""
        tokens = self.mask.sum(dim=1)
        if self.windows is not None:
            tokens = self.windows.gather(tokens).masked_fill(~self.windows.mask, 0).sum(dim=1)
        return tokens.view(-1, len(self)).sum(dim=0)

    def context(
        self, pooler_output: Tensor | None = None, attentions: tuple[Tensor, ...] | None = None
    ) -> PoolingContext:
        """What a pooling needs beside hidden states.

        Args:
            pooler_output: The encoder's pooler output, (N, H).
            attentions: The encoder's attentions, (N, heads, T, T) per layer.
        """
        return PoolingContext(
            pooler_output, attentions, self.special, self.template, self.cls, self.prefix, self.windows
        )

    def select(self, rows: Tensor) -> Batch:
        """Some of its rows, without the padding that they do not need."""
        texts = len(self.mask) if self.windows is None else len(self.windows.places)
        inputs = torch.cat([rows + first for first in range(0, texts, max(1, len(self)))])
        windows = None
        if self.windows is not None:
            windows, inputs = self.windows.select(inputs), self.windows.inputs_of(inputs)
        part = replace(self, packing=None, windows=None)._map(
            lambda tensor: tensor[inputs if len(tensor) == len(self.mask) else rows]
        )
        width = int(part.mask.sum(dim=1).max()) if len(rows) else 0
        if self.mask.shape[1] == width or not bool(part.mask[:, :width].sum() == part.mask.sum()):
            return replace(part, windows=windows)

        def narrow(tensor: Tensor) -> Tensor:
            return tensor[:, :width] if tensor.shape[1:2] == self.mask.shape[1:2] else tensor

        if windows is not None and windows.repeated is not None:
            windows = replace(windows, repeated=narrow(windows.repeated))
        return replace(part._map(narrow), windows=windows)

    def inputs_at(self, places: Tensor) -> Batch:
        """Some of its inputs, each as a row of its own, without the padding that they do not need.

        Args:
            places: (K,) int64, among the N inputs.
        """
        names = ("mask", "input_ids", "token_type_ids", "special", "template", "cls", "prefix")
        used = self.mask[places].any(dim=0).nonzero()
        width = int(used[-1]) + 1 if len(used) else 0
        kept = {name: value[places, :width] for name in names if (value := getattr(self, name)) is not None}
        return Batch(targets=places, row_ids=places, **kept)

    def beside(self, other: Batch, *, fill: int) -> Batch:
        """A batch whose rows have the inputs of two batches of the same rows; it is padded to the longest of both.

        Args:
            other: The second input of each row.
            fill: Id of padding.
        """
        width = max(self.mask.shape[1], other.mask.shape[1])
        missing = width - self.mask.shape[1], width - other.mask.shape[1]

        def stacked(one: Tensor, two: Tensor, value: int = 0) -> Tensor:
            return torch.cat([_widened(one, missing[0], value), _widened(two, missing[1], value)])

        changed: dict[str, Any] = {}
        for name in ("mask", "input_ids", "token_type_ids", "special", "template", "cls", "prefix"):
            one, two = getattr(self, name), getattr(other, name)
            if name == "prefix" and (one is None) != (two is None):  # one of the two has none
                one, two = (torch.zeros_like(b.mask) if b.prefix is None else b.prefix for b in (self, other))
            if one is not None:
                changed[name] = stacked(one, two, fill if name == "input_ids" else 0)
        features = tuple(map(stacked, self.features, other.features))
        if self.windows is not None and other.windows is not None:
            one, two = self.windows.repeated, other.windows.repeated
            repeated = None if one is None or two is None else stacked(one, two)
            changed["windows"] = self.windows.beside(other.windows, inputs=len(self.mask), repeated=repeated)
        return replace(self, features=features, **changed)

    def pin_memory(self) -> Batch:
        """A copy in page-locked memory, for non-blocking copies to a GPU."""
        return self._laid_out()._map(Tensor.pin_memory)

    def to(self, device: torch.device | str) -> Batch:
        """A copy on ``device``."""
        return self._laid_out()._map(lambda tensor: on_device(tensor, device))

    def _laid_out(self) -> Batch:
        if self.packing is not None or self.input_ids is None:
            return self
        return replace(self, packing=Packing.of(self.mask))

    def _map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        changed: dict[str, Any] = {}
        for name, value in vars(self).items():
            changed[name] = tuple(map(change, value)) if isinstance(value, tuple) else value
            if isinstance(value, Tensor):
                changed[name] = change(value)
        for name in ("packing", "windows"):
            if changed[name] is not None:
                changed[name] = changed[name].map(change)
        return Batch(**changed)


def _widened(tensor: Tensor, by: int, value: int) -> Tensor:
    """Some more positions behind those of (N, T, …)."""
    return torch.cat([tensor, tensor.new_full((len(tensor), by, *tensor.shape[2:]), value)], dim=1) if by else tensor
