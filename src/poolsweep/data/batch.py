"""What flows from the data module to the classifier."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


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
        hidden: One (B, T, H) or, where each layer is already pooled, (B, H) per layer that the pooling reads.
        pooler_output: (B, H), the frozen encoder's pooler output, if the pooling asks for it.
    """

    labels: Tensor
    row_ids: Tensor
    mask: Tensor
    input_ids: Tensor | None = None
    token_type_ids: Tensor | None = None
    special: Tensor | None = None
    template: Tensor | None = None
    hidden: tuple[Tensor, ...] | None = None
    pooler_output: Tensor | None = None

    def __len__(self) -> int:
        return self.labels.shape[0]

    def _each(self, name: str) -> Batch:
        def move(value: Tensor | tuple[Tensor, ...] | None) -> Tensor | tuple[Tensor, ...] | None:
            if isinstance(value, tuple):
                return tuple(getattr(v, name)() for v in value)
            return None if value is None else getattr(value, name)()

        return Batch(**{field: move(value) for field, value in vars(self).items()})

    def pin_memory(self) -> Batch:
        """A copy in page-locked memory, for non-blocking copies to a GPU."""
        return self._each("pin_memory")

    def to(self, device: torch.device | str, *, non_blocking: bool = True) -> Batch:
        """A copy on ``device``."""

        def move(value: Tensor | tuple[Tensor, ...] | None) -> Tensor | tuple[Tensor, ...] | None:
            if isinstance(value, tuple):
                return tuple(v.to(device, non_blocking=non_blocking) for v in value)
            return None if value is None else value.to(device, non_blocking=non_blocking)

        return Batch(**{field: move(value) for field, value in vars(self).items()})
