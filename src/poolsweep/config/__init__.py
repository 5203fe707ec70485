"""The config of a run: its keys, how it is resolved, what must hold in it, and what follows from it.

Names are imported when they are first asked for: a report reads stored configs without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poolsweep.config.node import Node
    from poolsweep.config.resolution import resolve
    from poolsweep.config.run_config import RunConfig
    from poolsweep.config.validation import validate

__all__ = ["Node", "RunConfig", "resolve", "validate"]

_HOMES = {
    "Node": "node",
    "RunConfig": "run_config",
    "resolve": "resolution",
    "validate": "validation",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
