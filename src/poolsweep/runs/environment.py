"""What a run ran on: versions, hardware, commit, memory."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import logging
import os
import platform
import resource
import subprocess
import sys
from functools import cache
from pathlib import Path

import torch

_PACKAGES = (
    "poolsweep",
    "torch",
    "transformers",
    "pytorch-lightning",
    "hydra-core",
    "torchmetrics",
    "datasets",
    "numpy",
)


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in _PACKAGES}}


@cache
def warn_of_other_versions(before: tuple[tuple[str, str], ...]) -> None:
    """Say once per process that a run goes on under other versions than it began with.

    Args:
        before: Package and version, as ``versions`` gave them then.
    """
    now = versions()
    changed = [f"{name} {now.get(name)} (before: {version})" for name, version in before if now.get(name) != version]
    if changed:
        message = f"going on under other versions, so the result may differ in its last digits: {', '.join(changed)}"
        logging.getLogger(__name__).warning(message)
        print(f"poolsweep: {message}", file=sys.stderr)


def hardware(*, accelerator: str, devices: int) -> dict[str, str | int]:
    """The device type, its name and count, and the number of threads."""
    name = torch.cuda.get_device_name() if accelerator == "cuda" else platform.processor() or platform.machine()
    return {
        "accelerator": accelerator,
        "device": name,
        "devices": devices,
        "threads": torch.get_num_threads(),
        "host": platform.node(),
    }


def git_commit() -> str | None:
    """The commit of the checkout that is run from, with ``+changes`` if it is not clean; None outside a checkout."""
    commit, changes = _checkout()
    return commit if commit is None or changes is None else f"{commit}+changes"


def git_changes() -> str | None:
    """A hash of what is changed and not committed in the checkout that is run from; None if nothing is.

    Two runs of one commit with the same hash ran the same code; files that git does not know do not count.
    """
    return _checkout()[1]


@cache
def _checkout() -> tuple[str | None, str | None]:
    def git(*arguments: str) -> bytes:
        return subprocess.run(
            ["git", "-c", "core.fsmonitor=false", *arguments], capture_output=True, timeout=10, check=True
        ).stdout

    with contextlib.suppress(OSError, subprocess.SubprocessError):
        commit = git("rev-parse", "HEAD").decode().strip()
        changes = git("diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv", "--no-color")
        return commit, hashlib.sha256(changes).hexdigest()[:16] if changes else None
    return None, None


def reset_peak_memory() -> None:
    """Start measuring peak memory anew, where the system can."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def cpu_seconds() -> float:
    """CPU seconds that this process and those that it started, and that have ended, have taken so far."""
    found = os.times()
    return found.user + found.system + found.children_user + found.children_system


def peak_memory_mib() -> dict[str, float]:
    """The largest resident memory since the last reset (or since the start), and the GPU's."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        peak = int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**10
    measured = {"process": round(peak, 1)}
    if torch.cuda.is_available():
        measured["gpu"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return measured
