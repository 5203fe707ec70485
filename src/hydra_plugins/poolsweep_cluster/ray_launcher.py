"""The Ray launcher as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from poolsweep.launch.launcher import Job, JobLauncher

if TYPE_CHECKING:
    from poolsweep.launch.cluster.ray import RayLimits


class RayLauncher(JobLauncher):
    """One Ray task per run; see ``conf/hydra/launcher/ray.yaml``.

    Args:
        limits: Keys of ``poolsweep.launch.cluster.ray.RayLimits``.
    """

    needs_sweep = True

    def __init__(self, **limits: Any) -> None:  # noqa: ANN401
        super().__init__()
        self._given = limits

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take note of what the sweep is made of, and of what devices its runs will find."""
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        from poolsweep.extras import require

        require("ray", asked_by="hydra/launcher=ray")
        from poolsweep.device import runs_elsewhere

        runs_elsewhere(self.limits.accelerator)

    @property
    def limits(self) -> RayLimits:
        """What each run asks for."""
        from poolsweep.launch.cluster.limits import read_limits
        from poolsweep.launch.cluster.ray import RayLimits

        return read_limits(self.plain(self._given), RayLimits)

    def run(self, jobs: Sequence[Job]) -> Sequence[Exception]:
        """Run all, each where there is room."""
        from poolsweep.launch.cluster.launcher import for_elsewhere
        from poolsweep.launch.cluster.ray import launch_on_ray

        launch_on_ray(for_elsewhere(jobs), self.limits)
        return []
