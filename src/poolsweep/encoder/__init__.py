"""A transformers encoder that returns only what the pooling reads.

Names are imported when they are first asked for: what identifies a run needs no transformers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poolsweep.encoder.encoder import Encoder
    from poolsweep.encoder.loading import LoadedEncoder
    from poolsweep.encoder.output import EncoderOutput

__all__ = ["Encoder", "EncoderOutput", "LoadedEncoder"]

_HOMES = {"Encoder": "encoder", "EncoderOutput": "output", "LoadedEncoder": "loading"}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
