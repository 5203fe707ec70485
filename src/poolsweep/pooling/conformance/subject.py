"""What is checked: a pooling that can be built again and again, and texts as an encoder would give them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor, nn

from poolsweep.pooling.base import PoolingContext
from poolsweep.pooling.pooling import Pooling

HEADS = 2
LONGEST_ATTENDED = 512  # attentions are square: longer rows have none


@dataclass(frozen=True)
class Row:
    """One text of n tokens, in float64.

    Attributes:
        hidden: One (n, H) for each hidden state, the embeddings first.
        attentions: One (HEADS, n, n) for each layer.
        pooler_output: (H,).
        special: (n,) bool: the first and the last token, or all of them where no other is left.
        template: (n,) bool: one token, unless the row is too short for a template.
    """

    hidden: tuple[Tensor, ...]
    attentions: tuple[Tensor, ...]
    pooler_output: Tensor
    special: Tensor
    template: Tensor

    @property
    def length(self) -> int:
        """n, the number of tokens."""
        return len(self.special)


@dataclass(frozen=True)
class Batch:
    """What a pooling is called with."""

    hidden: tuple[Tensor, ...]
    mask: Tensor
    context: PoolingContext

    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor of it."""
        context = self.context
        single = (context.pooler_output, context.special, context.template)
        return (*self.hidden, self.mask, *(context.attentions or ()), *(t for t in single if t is not None))


@cache
def make_row(length: int, *, num_layers: int, hidden_size: int, seed: int) -> Row:
    """A text of ``length`` tokens with random states, a function of its arguments alone."""
    generator = torch.Generator().manual_seed(1000 * seed + length)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    places = torch.arange(length)
    return Row(
        # Not around 0: a running sum in half precision would stay small, and nobody would see it stall.
        hidden=tuple(normal(length, hidden_size) + 0.5 for _ in range(num_layers + 1)),
        attentions=tuple(
            normal(HEADS, min(length, 8), length).softmax(-1)[:, places % 8] if length else normal(HEADS, 0, 0)
            for _ in range(num_layers if length <= LONGEST_ATTENDED else 0)
        ),
        pooler_output=normal(hidden_size).tanh(),
        special=(places == 0) | (places == length - 1),
        template=(places == length // 2) & (length > 2),
    )


def make_batch(
    rows: Sequence[Row],
    *,
    layers: Sequence[int],
    context: Collection[str],
    dtype: torch.dtype,
    side: Literal["left", "right"] = "right",
    length: int | None = None,
    fill: float = float("nan"),
) -> Batch:
    """Pad rows to a batch.

    Args:
        rows: The texts.
        layers: Which hidden states to hand over.
        context: Which fields of the context to hand over; all others are None.
        dtype: Precision of states, pooler output and attentions.
        side: Side of the padding.
        length: T; None = the longest row.
        fill: What states and attentions hold where padding is.
    """
    length = max(row.length for row in rows) if length is None else length
    spans = [slice(length - row.length, length) if side == "left" else slice(0, row.length) for row in rows]

    def pad(values: list[Tensor], *, value: float) -> Tensor:
        padded = values[0].new_full((len(rows), length, *values[0].shape[1:]), value)
        for target, span, row_values in zip(padded, spans, values, strict=True):
            target[span] = row_values
        return padded

    def square(values: list[Tensor]) -> Tensor:
        padded = values[0].new_full((len(rows), HEADS, length, length), fill)
        for target, span, row_values in zip(padded, spans, values, strict=True):
            target[:, span, span] = row_values
        return padded.to(dtype)

    poolers = torch.stack([row.pooler_output if row.length else row.pooler_output * fill for row in rows]).to(dtype)
    attentions = "attentions" in context
    depth = len(rows[0].attentions) if attentions else 0
    return Batch(
        hidden=tuple(pad([row.hidden[layer] for row in rows], value=fill).to(dtype) for layer in layers),
        mask=pad([torch.ones(row.length, dtype=torch.bool) for row in rows], value=False),
        context=PoolingContext(
            pooler_output=poolers if "pooler_output" in context else None,
            attentions=tuple(square([r.attentions[i] for r in rows]) for i in range(depth)) if attentions else None,
            # The worst that padding can say of itself: not special, and the template's [MASK].
            special=pad([row.special for row in rows], value=False) if "special" in context else None,
            template=pad([row.template for row in rows], value=True) if "template" in context else None,
        ),
    )


NUM_LAYERS = 5
HIDDEN_SIZE = 8


@dataclass(frozen=True)
class Subject:
    """A pooling to check.

    Attributes:
        name: How results call it.
        build: Makes the pooling for an encoder of ``NUM_LAYERS`` layers and ``HIDDEN_SIZE`` wide states.
    """

    name: str
    build: Callable[[], nn.Module]

    def make(self, dtype: torch.dtype) -> Any:  # noqa: ANN401
        """A fresh pooling in eval mode, always with the same weights, none at a zero that hides faults."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            pooling = self.build()
            with torch.no_grad():
                for parameter in pooling.parameters():
                    parameter.add_(0.2 * torch.randn_like(parameter))
        return pooling.to(dtype).eval()

    def batch(
        self,
        pooling: nn.Module,
        lengths: Sequence[int],
        *,
        dtype: torch.dtype,
        side: Literal["left", "right"] = "right",
        length: int | None = None,
        fill: float = float("nan"),
    ) -> Batch:
        """Texts of these lengths as the pooling is given them: only the layers and context it says it needs.

        Args:
            pooling: What ``make`` gave.
            lengths: Tokens of each row; a row's content depends on its length alone.
            dtype: Precision of the states.
            side: Side of the padding.
            length: T; None = the longest row.
            fill: What stands at padding.
        """
        rows = [make_row(n, num_layers=NUM_LAYERS, hidden_size=HIDDEN_SIZE, seed=0) for n in lengths]
        says: Any = pooling
        context = getattr(says, "context_needed", frozenset())
        return make_batch(
            rows, layers=says.layers_needed, context=context, dtype=dtype, side=side, length=length, fill=fill
        )


def pool(pooling: nn.Module, batch: Batch) -> Tensor:
    """Call a pooling as the classifier does."""
    return pooling(batch.hidden, batch.mask, batch.context)


def pair(pooling: nn.Module) -> Pooling | None:
    """The pooling as layers and tokens, or None if it is a class of another make."""
    return pooling if isinstance(pooling, Pooling) else None
