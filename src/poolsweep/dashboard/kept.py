"""What many readers ask for, made once for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
_FRESH_SECONDS = 1.0
_PACE = 4.0  # making it takes at most this part of the time: a fourth


class Kept(Generic[T]):
    """Calls a function when its last answer is old; whoever asks meanwhile waits for the same one.

    Args:
        make: Gives the answer.
        clock: Seconds that only grow.
    """

    def __init__(self, make: Callable[[], T], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._make, self._clock = make, clock
        self._making = threading.Lock()
        self._answer: tuple[T] | None = None
        self._until = 0.0

    def __call__(self) -> T:
        """The last answer if it is fresh, else a new one."""
        with self._making:
            began = self._clock()
            if self._answer is None or began >= self._until:
                self._answer = (self._make(),)
                ended = self._clock()
                self._until = ended + max(_FRESH_SECONDS, _PACE * (ended - began))
            return self._answer[0]
