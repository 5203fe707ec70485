"""Builds the package as an index gets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal


def build(source: Path, folder: Path, kind: Literal["sdist", "wheel"]) -> Path:
    """What a build frontend makes of a folder with a pyproject.toml.

    Args:
        source: The folder.
        folder: Where the archive goes.
        kind: Which of the two.
    """
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=180)
    [path] = folder.glob("poolsweep-*")
    return path
