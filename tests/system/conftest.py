"""Tests that share a cluster or a browser stay in one process each, beside the others: ``--dist loadgroup``."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group by marker; what has neither goes to whichever process is free."""
    for item in items:
        for shared in ("slurm", "browser"):
            if item.get_closest_marker(shared):
                item.add_marker(pytest.mark.xdist_group(shared))
