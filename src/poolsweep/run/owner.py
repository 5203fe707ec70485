"""Who runs something, and whether they still live; imports nothing heavy, so that ``status`` is quick."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _machine() -> str:
    """What process ids are counted in: the host, its boot and, in a container, its own process namespace."""
    parts = [platform.node()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    except OSError:  # not Linux: the host alone
        pass
    return " ".join(parts)


def process_started(pid: int) -> str | None:
    """When a process of this machine started, in whatever unit the system counts; None if there is no such process.

    A process id alone is not enough: after a crash the system may have given it to another program.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in {"Z", "X"} else fields[19]  # a zombie has ended
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except OSError:
        return None
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def _restarts() -> str:
    return os.environ.get("SLURM_RESTART_COUNT", "0")


def owner() -> dict[str, str | int | None]:
    """This process, as others can check on it."""
    pid = os.getpid()
    who = {"host": platform.node(), "machine": _machine(), "pid": pid, "process_started": process_started(pid)}
    return {**who, "job": os.environ.get("SLURM_JOB_ID"), "restarts": _restarts()}


def lives(who: Mapping[str, Any], *, heartbeat_age: float, patience_seconds: float) -> bool:
    """Whether an owner is still at work.

    On this machine its process says so, and a process that hangs still owns its run; on another machine the heartbeat.

    Args:
        who: From ``owner``, perhaps on another machine.
        heartbeat_age: Seconds since its last sign of life.
        patience_seconds: How old a heartbeat from another machine may be.
    """
    if who.get("job") is not None and who["job"] == os.environ.get("SLURM_JOB_ID") and who["restarts"] != _restarts():
        return False  # this very job, before it was requeued; Slurm has ended it, or its node is gone
    if who.get("machine") == _machine():
        started = process_started(int(who.get("pid") or 0))
        return started is not None and started == who.get("process_started")
    return heartbeat_age < patience_seconds
