"""The code of a pooling, so that what it gave is not taken for what it would give now."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import xxhash
from torch import nn

from poolsweep.pooling import functional


def source_hash(*halves: nn.Module) -> str:
    """A fingerprint of the files that define some halves of poolings, their bases, and the functions they share.

    Other modules that a class of your own imports do not count.

    Args:
        halves: Of one pooling or several.
    """
    digest = xxhash.xxh3_64()
    kinds = {type(module) for half in halves for module in half.modules()}
    paths = {path for kind in kinds for path in _files(kind)} | set(_files_of(functional))
    for content in sorted(path.read_bytes() for path in paths):  # whatever folders they lie in here
        digest.update(content)
    return digest.hexdigest()


def _files(kind: type) -> Iterator[Path]:
    for base in kind.__mro__:
        module = inspect.getmodule(base)
        if module is not None and base.__module__.partition(".")[0] not in {"builtins", "torch"}:
            yield from _files_of(module)


def _files_of(module: ModuleType) -> Iterator[Path]:
    """One file of a module, all of a package."""
    if getattr(module, "__file__", None) is None:  # typed at a prompt
        return
    path = Path(str(module.__file__))
    yield from path.parent.glob("*.py") if path.name == "__init__.py" else [path]
