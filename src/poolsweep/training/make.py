"""Makes a part of its config; the only caller of ``instantiate``."""

from __future__ import annotations

from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate

from poolsweep.config import Node


def make(node: Node, *positional: Any, **arguments: Any) -> Any:  # noqa: ANN401
    """Instantiate a part; what its constructor raises comes as it is, not in Hydra's wrapping."""
    try:
        return instantiate(node.plain(), *positional, **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        if cause is None:
            raise
    raise cause  # outside the handler: within it Hydra's exception would become its context, and the chain a circle
