"""The local launcher as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hydra.core.utils import JobReturn, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

if TYPE_CHECKING:
    from poolsweep.launch.local.slots import Slot


class LocalLauncher(Launcher):
    """Runs several jobs at once, each in a process of its own with cores or GPUs of its own.

    Args:
        runs_at_once: How many; None = one per GPU, or one per two cores.
        runs_per_gpu: How many share a GPU.
        gpus: Which of the visible GPUs; None = all, if the runs are to use any.
    """

    def __init__(
        self, runs_at_once: int | None = None, runs_per_gpu: int = 1, gpus: Sequence[int] | None = None
    ) -> None:
        self.runs_at_once, self.runs_per_gpu, self.gpus = runs_at_once, runs_per_gpu, gpus

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra gives, and refuse values that cannot be before anything is written.

        The task function is not used, since the workers have ``poolsweep``'s own.
        """
        self._context, self._config = hydra_context, config
        self._slots([])

    def _slots(self, job_overrides: Sequence[Sequence[str]]) -> list[Slot]:
        from poolsweep.launch.local.launch import slots_for

        return slots_for(
            self._config, job_overrides, runs_at_once=self.runs_at_once, runs_per_gpu=self.runs_per_gpu, gpus=self.gpus
        )

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs and wait for them."""
        from poolsweep.launch.local.launch import run_jobs

        setup_globals()

        def compose(index: int) -> DictConfig:
            config = self._context.config_loader.load_sweep_config(self._config, list(job_overrides[index]))
            with open_dict(config):
                config.hydra.job.id = config.hydra.job.num = initial_job_idx + index
            return config

        return run_jobs(len(job_overrides), compose=compose, slots=self._slots(job_overrides))
