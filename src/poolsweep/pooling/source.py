"""The code of a pooling, so that what it gave is not taken for what it would give now."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import xxhash
from torch import nn

from poolsweep.pooling import functional

_OTHERS = {"builtins", "torch"}


def source_hash(pooling: nn.Module) -> str:
    """A fingerprint of the files that define a pooling or a half of one, their bases, and the functions they share.

    Other modules that a class of your own imports do not count.
    """
    contents = frozenset().union(_shared(), *(_contents(type(module)) for module in pooling.modules()))
    return xxhash.xxh3_64_hexdigest("".join(sorted(contents)).encode())  # whatever folders they lie in here


@cache
def _shared() -> frozenset[str]:
    return frozenset(_hashes(functional))


@cache
def _contents(kind: type) -> frozenset[str]:
    """Hashes of the files of a class and its bases, as they were when it was first used."""
    modules = [inspect.getmodule(base) for base in kind.__mro__ if base.__module__.partition(".")[0] not in _OTHERS]
    return frozenset(digest for module in modules if module is not None for digest in _hashes(module))


def _hashes(module: ModuleType) -> Iterator[str]:
    """Of the one file of a module, or all of a package."""
    if getattr(module, "__file__", None) is None:  # typed at a prompt
        return
    path = Path(str(module.__file__))
    for part in path.parent.glob("*.py") if path.name == "__init__.py" else [path]:
        yield xxhash.xxh3_64_hexdigest(part.read_bytes())
