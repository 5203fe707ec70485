"""Packages of a user's own, in the folder that a command is typed in."""

from __future__ import annotations

import sys
from pathlib import Path


def import_from_here() -> None:
    """Find packages of the current folder too, after all that is installed."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
