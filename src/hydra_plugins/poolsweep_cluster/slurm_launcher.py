"""The Slurm launcher as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from poolsweep.launch.launcher import Job, JobLauncher

if TYPE_CHECKING:
    from poolsweep.launch.cluster.limits import Limits


class SlurmLauncher(JobLauncher):
    """One Slurm job per run, in arrays; see ``conf/hydra/launcher/slurm.yaml``.

    Args:
        wait: Whether to stay until every run has ended, rather than to submit and leave.
        dry_run: Whether to print the scripts instead of submitting anything.
        poll_seconds: Seconds between two questions to Slurm.
        limits: Keys of ``poolsweep.launch.cluster.limits.Limits``.
    """

    needs_sweep = True

    def __init__(self, wait: bool, dry_run: bool, poll_seconds: float, **limits: Any) -> None:  # noqa: ANN401
        super().__init__(waits=wait, dry_run=dry_run)
        self._poll_seconds = poll_seconds
        self._given = limits

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take note of what the sweep is made of, and look what earlier jobs came to."""
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        from poolsweep.extras import require

        require("submitit", asked_by="hydra/launcher=slurm", extra="slurm")
        from poolsweep.launch.cluster.launcher import plan_on_login_node

        plan_on_login_node(config, self.limits, dry_run=self.dry_run)

    @property
    def limits(self) -> Limits:
        """What each job asks for."""
        from poolsweep.launch.cluster.limits import Limits, read_limits

        return read_limits(self.plain(self._given), Limits)

    @property
    def config_dirs(self) -> list[str]:
        """``--config-dir`` as it was given, for a command that composes the same config."""
        sources = self.config.hydra.runtime.config_sources
        return [part for s in sources if s.provider == "command-line" for part in ("--config-dir", str(s.path))]

    def run(self, jobs: Sequence[Job]) -> Sequence[Exception]:
        """Submit the runs that have no job yet, and wait for all of them unless ``wait=false``."""
        from poolsweep.launch.cluster.launcher import for_elsewhere, launch, print_scripts

        runs = for_elsewhere(jobs)
        if self.dry_run:
            print_scripts(runs, limits=self.limits, flags=self.config_dirs)
        else:
            launch(runs, limits=self.limits, wait=self.waits, poll_seconds=self._poll_seconds)
        return []
