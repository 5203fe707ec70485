"""Where what can be made again is kept: tokenised texts and tables that are slow to read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from poolsweep.errors import UserError
from poolsweep.files.faults import in_words


def cache_dir() -> Path:
    """``POOLSWEEP_CACHE``, or ``poolsweep`` in the user's cache folder."""
    given = os.environ.get("POOLSWEEP_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "poolsweep"


def cannot_write(folder: Path, error: OSError) -> UserError:
    """What to say where a folder of the cache cannot be written."""
    said = in_words(OSError(error.errno or errno.EIO, error.strerror or str(error), str(folder)))
    elsewhere = "" if "POOLSWEEP_CACHE" in said else "; POOLSWEEP_CACHE names another folder"
    return UserError(f"the cache {said}{elsewhere}")
