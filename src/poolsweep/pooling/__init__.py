"""A pooling is two choices: how layers are combined, and how the tokens of the result become one vector.

A third one is how the windows of a long document become one.

Names are imported when they are first asked for: the names of poolings need no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poolsweep.pooling.base import LayerMix, PoolingContext, TokenPooling
    from poolsweep.pooling.chunks.base import ChunkPooling
    from poolsweep.pooling.make import preset
    from poolsweep.pooling.pooling import Pooling
    from poolsweep.pooling.windowed import WindowedPooling

__all__ = ["ChunkPooling", "LayerMix", "Pooling", "PoolingContext", "TokenPooling", "WindowedPooling", "preset"]
_MODULES = {"ChunkPooling": "chunks.base", "Pooling": "pooling", "WindowedPooling": "windowed", "preset": "make"}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'base')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
