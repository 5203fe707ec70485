"""What a job of a cluster does: one run, whose config was composed when it was submitted."""

from __future__ import annotations

import time
from typing import Any

from poolsweep.config import RunConfig
from poolsweep.launch.cluster.leave import leave_job
from poolsweep.process.allocator import keep_freed_memory
from poolsweep.process.signals import Interrupted, stop_signals
from poolsweep.process.slurm_job import in_own_job
from poolsweep.terminal.text import shown_output

_POLL_SECONDS = 2.0


class RunTask:
    """Runs one config; submitit pickles it.

    A config file that is edited while the job waits changes nothing: what was planned is what runs.

    Args:
        config: The run's.
        name: What a person calls the run.
    """

    def __init__(self, config: RunConfig, name: str) -> None:
        self.config = config
        self.name = name

    def __call__(self) -> dict[str, Any]:
        """Run it; the process ends with status 1 if the run fails, so that Slurm says so too."""
        keep_freed_memory()
        with shown_output(), stop_signals:
            try:
                result = self._run()
            except Interrupted:
                if not in_own_job():
                    raise
                leave_job(lambda: stop_signals.received)
        if result.get("status") != "finished":
            raise SystemExit(1)
        return result

    def checkpoint(self) -> Any:  # noqa: ANN401
        """What submitit's handler asks for when the job is preempted before ``__call__`` has begun."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def _run(self) -> dict[str, Any]:
        from poolsweep.runs.lock import PATIENCE_SECONDS, holder
        from poolsweep.training.job import folder_of, run

        deadline = time.monotonic() + 2 * PATIENCE_SECONDS
        while True:
            result = run(self.config, name=self.name, sweeping=True)
            folder, _ = folder_of(self.config)
            if result["status"] != "elsewhere":
                return result
            # The node of an earlier attempt may have died: its lock is free when its heartbeat has been silent.
            while holder(folder.lock) is not None:
                if time.monotonic() > deadline:
                    return result
                time.sleep(_POLL_SECONDS)
