"""Where what can be made again is kept: tokenised texts and tables that are slow to read."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """``POOLSWEEP_CACHE``, or ``poolsweep`` in the user's cache folder."""
    given = os.environ.get("POOLSWEEP_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "poolsweep"
