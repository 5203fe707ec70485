"""Who runs something, and whether that process is still alive; imports nothing heavy, so that ``status`` is quick."""

from __future__ import annotations

import hashlib
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


@cache
def machine_id() -> str:
    """A short name of what process ids are counted in, for names of files."""
    return hashlib.sha256(_machine().encode()).hexdigest()[:8]


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


def is_ours(who: Mapping[str, Any]) -> bool:
    """Whether an owner is this process, or one that it started itself."""
    if who.get("machine") != _machine():
        return False
    try:
        stat = Path(f"/proc/{int(who['pid'])}/stat").read_text(encoding="utf-8", errors="replace")
        parent = int(stat.rpartition(")")[2].split()[1])
    except (OSError, KeyError, TypeError, ValueError):
        parent = None
    return os.getpid() in (who.get("pid"), parent)


def is_alive(who: Mapping[str, Any]) -> bool | None:
    """Whether an owner is still at work; None if only its heartbeat can tell, since it is on another machine.

    On this machine its process says so, and a process that hangs still owns its run.

    Args:
        who: From ``owner``, perhaps on another machine.
    """
    if (
        who.get("job") is not None
        and who["job"] == os.environ.get("SLURM_JOB_ID")
        and who.get("restarts") != _restarts()
    ):
        return False  # this very job, before it was requeued; Slurm has ended it, or its node is gone
    if who.get("machine") != _machine():
        return None
    pid = who.get("pid")
    started = process_started(pid) if isinstance(pid, int) and 0 < pid < 2**31 else None
    return started is not None and started == who.get("process_started")
