"""What to say of a path that does not exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from poolsweep.errors import closest, nearest


def instead_of(path: Path, *, fits: Callable[[Path], bool]) -> str:
    """The end of a sentence about a path that does not exist: what lies beside it, or the folder that is missing.

    Args:
        path: What was typed.
        fits: Whether a file or folder beside it might have been meant.
    """
    if path.parent.is_dir():
        there = [one.name for one in path.parent.iterdir() if fits(one)]
        return f"; {nearest(path.name, there)}" if there else ""
    lacking = path.parent
    while not lacking.parent.is_dir():
        lacking = lacking.parent
    beside = sorted(one.name for one in lacking.parent.iterdir() if one.is_dir())
    others = [lacking.with_name(name) / path.relative_to(lacking) for _, name in closest(lacking.name, beside)]
    meant = next((other for other in others if other.exists()), None)
    return f"; there is no folder {path.parent}" if meant is None else f"; did you mean {meant}?"
