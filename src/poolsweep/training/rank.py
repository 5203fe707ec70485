"""The main program of a process that is one of several of a run."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from poolsweep.config import RunConfig
from poolsweep.distributed.device import device_of
from poolsweep.distributed.group import process_group
from poolsweep.distributed.world import given_world
from poolsweep.process.allocator import keep_freed_memory
from poolsweep.process.signals import Interrupted
from poolsweep.process.warning_filters import quiet_third_parties
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.lock import LockLostError, RunLock
from poolsweep.runs.status import StatusFile
from poolsweep.terminal.text import shown_output
from poolsweep.training.attempt import attempt
from poolsweep.training.execute import at_work
from poolsweep.training.job import checked
from poolsweep.training.planned import PlannedRun
from poolsweep.training.rank_failures import report_failure
from poolsweep.training.supervise import LOST_LOCK


def main(job: Mapping[str, Any]) -> int:
    """Do this process's part of a run; returns its exit status.

    Args:
        job: What ``supervise`` wrote.
    """
    threading.Thread(target=_end_with_the_parent, daemon=True, name="poolsweep-parent").start()
    quiet_third_parties()
    keep_freed_memory()
    torch.set_num_threads(job["threads"])
    world = given_world()
    assert world is not None
    config, folder = RunConfig.of(job["content"]), RunFolder(Path(job["folder"]))
    lock = RunLock(folder.path, token=job["token"]) if world.rank == 0 else None
    status = StatusFile(folder, name=job["name"], run_id=job["identity"], lock=lock, same_attempt=True)
    try:
        with shown_output(), at_work(folder, lock=lock), process_group(world, device=device_of(config, world)):
            planned = PlannedRun(config, checked(config), folder, job["identity"], job["name"])
            attempt(planned, lock=lock, world=world, micro_batches=job["micro_batches"], status=status)
    except Interrupted as interruption:
        return 128 + interruption.signum
    except LockLostError:
        return LOST_LOCK
    except Exception as error:
        report_failure(Path(job["reports"]), error, rank=world.rank)
        return 1
    return 0


def _end_with_the_parent() -> None:
    """Whoever started this process holds the other end of its standard input until it dies."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)
