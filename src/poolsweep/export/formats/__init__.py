"""Formats that a model can be exported to, by the name that ``--to`` takes."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from poolsweep.errors import UserError, nearest

if TYPE_CHECKING:
    from poolsweep.export.format import Format

# Imported when one is asked for: help lists the names, and imports no torch.
_CLASSES = {
    "onnx": ("poolsweep.export.formats.onnx", "Onnx"),
    "sentence-transformers": ("poolsweep.export.formats.sentence_transformers", "SentenceTransformers"),
    "torch": ("poolsweep.export.formats.torch", "Torch"),
    "transformers": ("poolsweep.export.formats.transformers", "Transformers"),
}
NAMES = tuple(_CLASSES)


def format_named(name: str) -> Format:
    """The format of a name.

    Raises:
        UserError: If there is none.
    """
    if name not in _CLASSES:
        raise UserError(f"--to={name} is no format; {nearest(name, NAMES)}")
    module, kind = _CLASSES[name]
    return getattr(importlib.import_module(module), kind)()
