"""Keeps Python's garbage collector from looking through modules: imports make a million objects that all stay.

Half of the time of a large import goes into it, and a second of the end of a process.
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_owned: list[bool] = []


def own_process() -> None:
    """Say that this process does nothing but one command: what it holds at its end is left to the system."""
    if not _owned:
        _owned.append(True)
        atexit.register(gc.freeze)


@contextmanager
def importing() -> Iterator[None]:
    """Collect no garbage in this block; in a process of our own, leave what it imported out of every later collection.

    Also a decorator, of a function that imports when it is first called.
    """
    if not gc.isenabled():
        yield
        return
    known = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if _owned and len(sys.modules) > known:
            gc.freeze()
        gc.enable()
