"""What flows from the data module to the classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from poolsweep.encoder.packing import Packing


@dataclass
class Batch:
    """Some examples of one split.

    Either ``input_ids`` (and ``mask``) are set, for the encoder, or ``hidden`` and ``mask``, for states of a frozen
    encoder that were computed before.

    Attributes:
        labels: (B,) int64 label ids.
        row_ids: (B,) int64, the row in the source file, 0 = first after the header.
        mask: (B, T) bool, True = real token.
        input_ids: (B, T) int64.
        token_type_ids: (B, T) int64, for encoders that have segments.
        special: (B, T) bool, True at special tokens, if the pooling asks for it.
        template: (B, T) bool, True at the [MASK] of an input template, if the pooling has one.
        cls: (B, T) bool, True at [CLS], for tokenizers that do not put it first.
        hidden: One (B, T, H) or, where each layer is already pooled, (B, H) per layer that the pooling reads.
        pooler_output: (B, H), the frozen encoder's pooler output, if the pooling asks for it.
        weight: By how much its mean loss counts in the mean over processes and accumulated steps; 0: not at all.
        total: Rows that all processes have in this step together; None = those of this batch.
        packing: Where real tokens lie, for a batch that goes to a device: laid out there it would have to wait for it.
    """

    labels: Tensor
    row_ids: Tensor
    mask: Tensor
    input_ids: Tensor | None = None
    token_type_ids: Tensor | None = None
    special: Tensor | None = None
    template: Tensor | None = None
    cls: Tensor | None = None
    hidden: tuple[Tensor, ...] | None = None
    pooler_output: Tensor | None = None
    weight: float = 1.0
    total: int | None = None
    packing: Packing | None = None

    def __len__(self) -> int:
        return self.labels.shape[0]

    def select(self, rows: Tensor) -> Batch:
        """Some of its rows, without the padding that they do not need."""
        part = replace(self, packing=None)._map(lambda tensor: tensor[rows])
        width = int(part.mask.sum(dim=1).max()) if len(rows) else 0
        if self.mask.shape[1] == width or not bool(part.mask[:, :width].sum() == part.mask.sum()):
            return part
        return part._map(lambda tensor: tensor[:, :width] if tensor.shape[1:2] == self.mask.shape[1:2] else tensor)

    def pin_memory(self) -> Batch:
        """A copy in page-locked memory, for non-blocking copies to a GPU."""
        return self._laid_out()._map(Tensor.pin_memory)

    def to(self, device: torch.device | str, *, non_blocking: bool = True) -> Batch:
        """A copy on ``device``."""
        return self._laid_out()._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

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
        if self.packing is not None:
            changed["packing"] = self.packing.map(change)
        return Batch(**changed)
