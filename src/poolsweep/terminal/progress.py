"""Says what is being done where it takes longer than a person waits without asking, and how far it is."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from threading import Timer

from poolsweep.process.collector import importing

_SILENT_SECONDS = 2.0
_SILENT_SECONDS_OF_A_TERMINAL = 1.0
_SECONDS_BETWEEN = 10.0
_silent: ContextVar[frozenset[str]] = ContextVar("silent", default=frozenset())


@contextlib.contextmanager
def silent(*, progress: bool, answers: bool) -> Iterator[None]:
    """Say less in this block: what Python code calls gives its answer back instead of printing it.

    Args:
        progress: Say nothing on standard error.
        answers: Say nothing on standard output.
    """
    before = _silent.get()
    token = _silent.set(before | ({"progress"} if progress else set()) | ({"answers"} if answers else set()))
    try:
        yield
    finally:
        _silent.reset(token)


def is_silent(what: str) -> bool:
    """Whether ``progress`` or ``answers`` are not to be said here."""
    return what in _silent.get()


class Progress:
    """Writes a line to standard error after two seconds, and every ten seconds from then on.

    Args:
        what: What is done to which file: ``reading reviews.csv``.
        total: Bytes or rows in all.
    """

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._next = math.inf if is_silent("progress") else time.monotonic() + _SILENT_SECONDS

    def at(self, done: int) -> None:
        """Told every few thousand rows or every block.

        Args:
            done: Bytes or rows that are behind.
        """
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SECONDS_BETWEEN
            print(f"{self._what}: {done / max(1, self._total):.0%}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def said_if_slow(what: str) -> Iterator[None]:
    """Say what is being done if it takes more than a second; where standard error is no terminal, say nothing.

    Args:
        what: The step: ``loading torch and transformers``.
    """
    if is_silent("progress") or not (sys.stderr and sys.stderr.isatty()):
        yield
        return
    timer = Timer(_SILENT_SECONDS_OF_A_TERMINAL, lambda: print(f"{what} …", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def loading(what: str) -> Iterator[None]:
    """Import what takes a while: as fast as can be, and said if it is slow.

    Args:
        what: Libraries: ``torch and transformers``.
    """
    with said_if_slow(f"loading {what}"), importing():
        yield
