"""Which cores this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path


def usable_cores() -> list[int]:
    """The cores that this process may use, those that share a physical core side by side.

    Where a container limits the time rather than the cores, only as many as that is worth.
    """
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return sorted(allowed, key=_place)[: _limit_of_container() or None]


def most_processes() -> int:
    """How many processes of one run this machine is trusted with: more end no run sooner, and take all memory."""
    return max(8, 2 * (os.cpu_count() or 1))


def _place(core: int) -> tuple[int, int, int]:
    folder = Path(f"/sys/devices/system/cpu/cpu{core}/topology")
    try:
        return int((folder / "physical_package_id").read_text()), int((folder / "core_id").read_text()), core
    except (OSError, ValueError):
        return 0, core, core


def _limit_of_container() -> int | None:
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):  # no control group, or "max"
        return None
