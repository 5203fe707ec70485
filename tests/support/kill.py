"""A process that dies at a moment that a test chooses."""

from __future__ import annotations

from dataclasses import dataclass


class KilledError(BaseException):
    """Stands for a SIGKILL: nothing is told, nothing is saved."""


@dataclass
class Kill:
    """The moments that were met so far; raises at one of them."""

    moment: int
    seen: list[str]
    error: type[BaseException] = KilledError

    def meet(self, name: str) -> None:
        self.seen.append(name)
        if len(self.seen) - 1 == self.moment:
            raise self.error(name)
