"""How a run leaves a Slurm job that was told to end: back into the queue, or waiting for Slurm to do that."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Collection
from typing import NoReturn

from poolsweep.launch.cluster.slurm import requeue, state_of
from poolsweep.process.slurm_job import REQUEUES

_log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 600.0


def leave_job(received: Callable[[], Collection[int]], *, patience_seconds: float = _PATIENCE_SECONDS) -> NoReturn:
    """End this process so that the job runs again if, and only if, that is what it was told to make room for.

    The signal alone doesn't say: SIGTERM means a preemption, ``scontrol requeue``, ``scancel`` or the end of the time.
    Slurm's own word for the job does. While it is RUNNING nobody has decided anything yet (a warning before the time
    limit or before a preemption), and the job puts itself back into the queue. Otherwise Slurm is already ending it,
    requeued or cancelled, and a process that left by itself would count as having failed: it waits to be killed.

    Args:
        received: Gives the signals that came so far.
        patience_seconds: How long to wait to be killed.
    Raises:
        SystemExit: When the patience is over, or the job has been requeued too often.
    """
    signum = next(iter(received()))
    if signal.SIGINT in received():
        raise SystemExit(128 + signal.SIGINT)
    if int(os.environ.get("SLURM_PROCID", "0")) == 0:
        _requeue_if_running(warned=_warned(received()))
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        time.sleep(0.5)
    raise SystemExit(128 + signum)


def _warned(received: Collection[int]) -> bool:
    return getattr(signal, "SIGUSR2", None) in received


def _requeue_if_running(*, warned: bool) -> None:
    job_id = os.environ["SLURM_JOB_ID"]  # of this element alone, also in an array
    state = state_of(job_id)
    if state != "RUNNING" and not (state is None and warned):
        _say(f"Slurm has the job as {state}; waiting to be ended")
        return
    before, most = int(os.environ.get("SLURM_RESTART_COUNT", "0")), int(os.environ[REQUEUES])
    if before >= most:
        _say(f"requeued {before} times, which is all that hydra.launcher.max_requeues allows")
        raise SystemExit(1)
    objection = requeue(job_id)
    _say(f"requeued as job {job_id}" if objection is None else f"not requeued: {objection}")


def _say(text: str) -> None:
    print(f"poolsweep: {text}", flush=True)
