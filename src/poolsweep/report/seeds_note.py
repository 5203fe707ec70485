"""What the seeds of a study are, where they are not what a reader would think."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def seeds_note(results: Sequence[Mapping[str, Any]]) -> str | None:
    """A sentence for below a leaderboard, or None where seeds are those of training.

    Args:
        results: Contents of ``result.json``.
    Example:
        >>> seeds_note([{"seeds_are": "bootstrap samples of the training rows"}])
        'seeds are bootstrap samples of the training rows'
        >>> seeds_note([{"seed": 0}]) is None
        True
    """
    found = [result.get("seeds_are") for result in results]
    kinds = dict.fromkeys(kind for kind in found if kind)
    if not kinds:
        return None
    note = f"seeds are {' or '.join(kinds)}"
    return note if all(found) else f"{note} in {sum(map(bool, found))} of {len(found)} runs"
