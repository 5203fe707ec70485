"""The Slurm launcher as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from poolsweep.launch.composing import ComposingLauncher

if TYPE_CHECKING:
    from poolsweep.launch.cluster.limits import Limits


class SlurmLauncher(ComposingLauncher):
    """One Slurm job per run, in arrays; see ``conf/hydra/launcher/slurm.yaml``.

    Args:
        wait: Whether to stay until every run has ended, rather than to submit and leave.
        dry_run: Whether to print the scripts instead of submitting anything.
        poll_seconds: Seconds between two questions to Slurm.
        limits: Keys of ``poolsweep.launch.cluster.limits.Limits``.
    """

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
        assert self._config is not None
        sources = self._config.hydra.runtime.config_sources
        return [part for s in sources if s.provider == "command-line" for part in ("--config-dir", str(s.path))]

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Submit the runs that have no job yet, and wait for all of them unless ``wait=false``."""
        from poolsweep.launch.cluster.launcher import launch, planned, print_scripts

        runs = planned(job_overrides, config_of=self.config_of)
        if self.dry_run:
            print_scripts(runs, limits=self.limits, flags=self.config_dirs)
            return []
        return launch(runs, limits=self.limits, wait=self.waits, poll_seconds=self._poll_seconds)
