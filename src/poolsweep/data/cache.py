"""Where what can be made again is kept: tokenised texts and tables that are slow to read."""

from __future__ import annotations

import os
from pathlib import Path

from poolsweep.errors import UserError


def cache_dir() -> Path:
    """``POOLSWEEP_CACHE``, or ``poolsweep`` in the user's cache folder."""
    given = os.environ.get("POOLSWEEP_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "poolsweep"


def cannot_write(folder: Path, error: OSError) -> UserError:
    """What to say where a folder of the cache cannot be written."""
    reason = error.strerror or str(error)
    return UserError(f"the cache {folder} cannot be written: {reason}; POOLSWEEP_CACHE names another folder")
