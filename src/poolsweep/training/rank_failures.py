"""What each process of a run says about its failure, so that the first cause is told, not what followed from it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from poolsweep.files.writing import read_json, write_json
from poolsweep.training.failure import in_one_line, kind_of


class RankFailedError(Exception):
    """A process of the run failed.

    Args:
        reason: Why, in one line.
        kind: Kind of failure, from ``kind_of``.
        facts: What else is known about it.
    """

    def __init__(self, reason: str, *, kind: str, facts: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.facts = facts or {}


@dataclass(frozen=True)
class RankFailure:
    """A process's own words.

    Attributes:
        rank: Which process.
        since: When it failed.
        reason: In one line.
        kind: Kind of failure, from ``kind_of``.
        facts: What else is known about it.
    """

    rank: int
    since: float
    reason: str
    kind: str
    facts: dict[str, Any]

    @property
    def is_a_consequence(self) -> bool:
        """Whether the process says no more than that another is gone."""
        words = (
            "Connection closed by peer",
            "Connection reset by peer",
            "Broken pipe",
            "NCCL",
            "recvBytes",
            "sendBytes",
        )
        return any(word in self.reason for word in words)


def report_failure(folder: Path, error: BaseException, *, rank: int) -> None:
    """Write down why this process failed, for whoever started it."""
    facts = getattr(error, "facts", {})
    failure = RankFailure(rank, time.time(), in_one_line(error), kind_of(error), facts)
    write_json(folder / f"rank-{rank}.json", asdict(failure))


def first_failure(folder: Path) -> RankFailure | None:
    """The process that failed first; one that only lost the others is not asked if there is another."""
    found = [read_json(path) for path in folder.glob("rank-*.json")]
    failures = [RankFailure(**content) for content in found if isinstance(content, dict)]
    return min(failures, key=lambda failure: (failure.is_a_consequence, failure.since), default=None)
