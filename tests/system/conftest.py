"""Tests that share a cluster or a browser stay in one process each, beside the others."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest
    from xdist.scheduler import LoadScopeScheduling

SHARED = ("slurm", "browser")


def scope_of(nodeid: str) -> str:
    """What a worker takes at once: a folder whose tests share something, a single test of any other."""
    folder = PurePosixPath(nodeid.partition("::")[0]).parent.name
    return folder if folder in SHARED else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Give out by folder, largest first; ``--dist=loadgroup`` groups nothing under pytest 9.2 (pytest-xdist#1386)."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFolder(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    return ByFolder(config, log)
