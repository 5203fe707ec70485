"""The Slurm launcher as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from poolsweep.cluster.limits import Limits


class SlurmLauncher(Launcher):
    """One Slurm job per run, in arrays; see ``conf/hydra/launcher/slurm.yaml``.

    Args:
        wait: Stay until every run has ended; False: submit and leave.
        poll_seconds: Between two questions to Slurm.
        limits: See ``poolsweep.cluster.limits.Limits``.
    """

    def __init__(self, wait: bool, poll_seconds: float, **limits: Any) -> None:  # noqa: ANN401
        self.detached = not wait
        self.compose: Callable[[Sequence[str]], DictConfig] | None = None  # a sweeper may know a quicker way
        self._poll_seconds = poll_seconds
        self._given = limits
        self._context: HydraContext | None = None
        self._config: DictConfig | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take note of what the sweep is made of."""
        from poolsweep.cluster.launcher import plan_on_login_node

        self._context, self._config = hydra_context, config
        plan_on_login_node(config, self.limits)

    @property
    def limits(self) -> Limits:
        """What each job asks for."""
        from poolsweep.cluster.limits import read_limits

        return read_limits(
            {k: OmegaConf.to_container(v) if OmegaConf.is_config(v) else v for k, v in self._given.items()}
        )

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Submit the runs that have no job yet, and wait for all of them unless ``wait=false``."""
        from poolsweep.cluster.launcher import launch, planned

        runs = planned(job_overrides, compose=self.compose or self._compose)
        return launch(runs, limits=self.limits, wait=not self.detached, poll_seconds=self._poll_seconds)

    def _compose(self, overrides: Sequence[str]) -> DictConfig:
        assert self._context is not None
        assert self._config is not None
        composed = self._context.config_loader.load_sweep_config(self._config, list(overrides))
        assert isinstance(composed, DictConfig)
        return composed
