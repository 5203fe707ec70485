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
from typing import IO, Any

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
    jobs: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    busy = threading.Event()

    from poolsweep.process.signals import Interrupted, stop_signals
    from poolsweep.terminal.text import shown_output

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


def _read(reading: IO[bytes], jobs: queue.SimpleQueue[bytes | None], busy: threading.Event) -> None:
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


def _answer(config: Any) -> tuple[str, Any]:  # noqa: ANN401
    """The kind of answer and its content: result, refused with problems, or error with the end of the traceback."""
    import torch
    from hydra._internal.callbacks import Callbacks
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path
    from hydra.core.utils import JobStatus, run_job, setup_globals
    from hydra.types import HydraContext

    from poolsweep.errors import UserError
    from poolsweep.training.job import run_job as run

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    setup_globals()
    loader = ConfigLoaderImpl(config_search_path=create_config_search_path(None))
    context = HydraContext(config_loader=loader, callbacks=Callbacks(config))
    done = run_job(
        hydra_context=context,
        task_function=run,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
    if done.status is JobStatus.COMPLETED:
        return "result", done.return_value
    error = done._return_value
    if isinstance(error, UserError):
        return "refused", error.problems
    return "error", "".join(traceback.format_exception(error)).rstrip().splitlines()[-_LINES:]


if __name__ == "__main__":
    sys.exit(main())
