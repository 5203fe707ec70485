"""What a run tells its metrics to."""

from __future__ import annotations

from typing import Protocol


class MetricsLogger(Protocol):
    """A logger of Lightning's, or one with as much of its interface as a run without Lightning needs."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Take note of what was measured at a step."""
