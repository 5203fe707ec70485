"""How every Python process is started: files of the current folder never stand in for a library."""

from __future__ import annotations

import os
import shlex
import sys

SAFE = "PYTHONSAFEPATH"  # what -P sets, for processes that libraries start


def python_command(*arguments: str) -> list[str]:
    """The command of a new interpreter that finds no modules in the current folder.

    Args:
        arguments: ``-m`` and a module, say.
    """
    return [sys.executable, "-P", *arguments]


def python_in_shell(python: str | None = None) -> str:
    """The same for a shell, without arguments.

    Args:
        python: How Python is started, if not as here: ``apptainer exec lab.sif python``.
    """
    return f"{python or shlex.quote(sys.executable)} -P"


def start_safely() -> None:
    """Let processes that libraries start find no modules in the current folder either."""
    os.environ.setdefault(SAFE, "1")
