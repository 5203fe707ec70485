"""Packages of a user's own, in the folder that a command is typed in."""

from __future__ import annotations

import pkgutil
import sys
from pathlib import Path

from poolsweep.errors import closest


def import_from_here() -> None:
    """Find packages of the current folder too, after all that is installed."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)


def near_target(target: str) -> str:
    """The end of a sentence about a dotted name that cannot be imported: the nearest that can; empty if none is near.

    It looks at what is imported already, so that no code runs for it.
    """
    parts = target.split(".")
    for end in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:end]))
        if module is None:
            continue
        names = {name for name, value in vars(module).items() if callable(value) and not name.startswith("_")}
        names |= {found.name for found in pkgutil.iter_modules(getattr(module, "__path__", ()))}
        for _, name in closest(parts[end], sorted(names - {parts[end]}))[:1]:
            return f"; did you mean {'.'.join([*parts[:end], name, *parts[end + 1 :]])}?"
        return ""
    return ""
