"""``python -m poolsweep.launch.local.worker CORES PATHS…``: a worker of the local launcher; nobody types this.

Jobs come in on standard input and answers leave on standard output, both pickled. Heavy imports wait until the process
is bound to its cores.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poolsweep.launch.launcher import Job

_LINES = 15


def main() -> int:
    """Serve until standard input ends; returns the exit status."""
    cores, paths = sys.argv[1], sys.argv[2:]
    sys.argv = ["poolsweep train"]
    sys.path[:] = paths
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(map(int, cores.split(","))))
    reading, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # whatever a library prints must not end up among the answers
    jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
    busy = threading.Event()

    from poolsweep.process.allocator import keep_freed_memory
    from poolsweep.process.collector import own_process
    from poolsweep.process.signals import Interrupted, stop_signals
    from poolsweep.terminal.text import shown_output

    own_process()
    keep_freed_memory()
    try:
        with shown_output(), stop_signals:
            threading.Thread(target=_read, args=(reading, jobs, busy), daemon=True).start()
            while (job := jobs.get()) is not None:
                pickle.dump(_answer(job), answers)
                answers.flush()
                busy.clear()
    except Interrupted as interruption:
        return 128 + interruption.signum
    except (KeyboardInterrupt, BrokenPipeError):
        return 130
    return 0


def _read(reading: IO[bytes], jobs: queue.SimpleQueue[Job | None], busy: threading.Event) -> None:
    """Hand jobs on; when the sweep's process has died, let the running one be saved."""
    try:
        while True:
            job = pickle.load(reading)
            busy.set()
            jobs.put(job)
    except (EOFError, OSError, pickle.UnpicklingError):
        if busy.is_set():
            os.kill(os.getpid(), signal.SIGTERM)
        jobs.put(None)


def _answer(job: Job) -> tuple[str, Any]:
    """The kind of answer and its content: done, refused with problems, or error with the end of the traceback."""
    from poolsweep.errors import UserError
    from poolsweep.process.collector import importing

    with importing():
        import torch

        from poolsweep.training.job import run_job

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    try:
        return "done", run_job(job.config, job.overrides)
    except UserError as error:
        return "refused", error.problems
    except Exception as error:
        return "error", "".join(traceback.format_exception(error)).rstrip().splitlines()[-_LINES:]


if __name__ == "__main__":
    sys.exit(main())
