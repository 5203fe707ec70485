"""Runs one job after the other in this process; sweepers take it where nothing else is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from poolsweep.errors import UserError
from poolsweep.launch.launcher import Job, JobLauncher


class SerialLauncher(JobLauncher):
    """One job after the other, in this process: what sweepers take in place of Hydra's basic launcher."""

    def run(self, jobs: Sequence[Job]) -> Sequence[Exception]:
        """Run the jobs; one that cannot begin keeps none of the others."""
        from poolsweep.training.expected import expecting
        from poolsweep.training.job import run_job

        refused: list[Exception] = []
        with expecting([job.config for job in jobs]):
            for job in jobs:
                try:
                    run_job(job.config, job.overrides)
                except (UserError, OSError) as error:
                    refused.append(error)
        return refused
