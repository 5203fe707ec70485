"""Connections that end: a browser makes a new one, and what holds one open without asking anything is cut off."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

IDLE_SECONDS = 15.0  # without a whole request
LONGEST_SECONDS = 120.0  # for an answer to a reader who takes it slowly


class ShortConnection(H11Protocol):
    """uvicorn's connection with a limit on how long it lives, which uvicorn has only between two requests."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to count."""
        super().connection_made(transport)
        self._ends: Any = self.loop.call_later(IDLE_SECONDS, self._end_if_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count no more."""
        self._ends.cancel()
        super().connection_lost(exc)

    def _end_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
        else:
            self._ends = self.loop.call_later(LONGEST_SECONDS, self.transport.abort)
