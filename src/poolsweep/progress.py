"""Says how far the reading of a large file is, where it takes longer than a person waits without asking."""

from __future__ import annotations

import sys
import time

_SILENT_SECONDS = 2.0
_SECONDS_BETWEEN = 10.0


class Progress:
    """Writes a line to standard error after two seconds, and every ten seconds from then on.

    Args:
        what: What is done to which file: ``reading reviews.csv``.
        total: Bytes or rows in all.
    """

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._next = time.monotonic() + _SILENT_SECONDS

    def at(self, done: int) -> None:
        """Told every few thousand rows or every block.

        Args:
            done: Bytes or rows that are behind.
        """
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SECONDS_BETWEEN
            print(f"{self._what}: {done / max(1, self._total):.0%}", file=sys.stderr, flush=True)
