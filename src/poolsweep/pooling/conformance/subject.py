"""What is checked: a pooling that can be built again and again, in any dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from poolsweep.pooling.conformance.rows import Batch, make_batch, make_row
from poolsweep.pooling.pooling import Pooling

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
            dtype: Of the states.
            side: Where padding goes.
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
