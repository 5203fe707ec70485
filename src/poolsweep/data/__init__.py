"""From files to batches: sources, checks, the label contract, tokenisation, shuffling.

Names are imported when they are first asked for: reading texts needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poolsweep.data.batch import Batch
    from poolsweep.data.splits import Split, Splits

__all__ = ["Batch", "Split", "Splits"]

_HOMES = {"Batch": "batch", "Split": "splits", "Splits": "splits"}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
