"""The verbs of ``poolsweep``. Nothing heavy is imported before a verb needs it, so that help is instant."""

from poolsweep.cli.program import main

__all__ = ["main"]
