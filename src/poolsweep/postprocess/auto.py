"""Standardise what a frozen encoder gives; leave what is fine-tuned as it is."""

from __future__ import annotations

from poolsweep.postprocess.base import Postprocess
from poolsweep.postprocess.none import None_
from poolsweep.postprocess.standardize import Standardize


def auto(*, size: int, frozen: bool) -> Postprocess:
    """``standardize`` for a frozen encoder, else ``none``.

    Args:
        size: D.
        frozen: Whether the encoder is frozen.
    """
    return Standardize(size=size) if frozen else None_(size=size)
