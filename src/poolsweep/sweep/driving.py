"""Optuna's trials or a race at work: it plans one run after another, so that in between none is running or waiting."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poolsweep.runs.lock import RunLock, holder

_PREFIX = ".driver-"


@contextmanager
def driving(study: Path) -> Iterator[None]:
    """Let others see that this process is going to plan further runs; several may do so at once.

    Args:
        study: Its folder.
    """
    for path in _locks(study):
        if holder(path) is None:  # of a process that was killed
            shutil.rmtree(path.parent, ignore_errors=True)
    own = study / f"{_PREFIX}{uuid.uuid4().hex}"
    lock = RunLock(own)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
        shutil.rmtree(own, ignore_errors=True)


def is_driven(study: Path) -> bool:
    """Whether a process that lives plans further runs of a study."""
    return any(holder(path) is not None for path in _locks(study))


def _locks(study: Path) -> Iterator[Path]:
    return study.glob(f"{_PREFIX}*/lock.json")
