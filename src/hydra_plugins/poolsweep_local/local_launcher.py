"""The local launcher as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from poolsweep.launch.launcher import Job, JobLauncher


class LocalLauncher(JobLauncher):
    """Runs several jobs at once, each in a process of its own with cores or GPUs of its own.

    Args:
        runs_at_once: How many; None = one per GPU, or one per two cores.
        runs_per_gpu: How many share a GPU.
        gpus: Which of the visible GPUs; None = all, if the runs are to use any.
    """

    def __init__(
        self, runs_at_once: int | None = None, runs_per_gpu: int = 1, gpus: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        self._limits = {"runs_at_once": runs_at_once, "runs_per_gpu": runs_per_gpu, "gpus": gpus}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Refuse values that cannot be before anything is written."""
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        from poolsweep.launch.local.launch import slots_for

        slots_for([config.trainer.devices], accelerator=str(config.trainer.accelerator), **self._limits)

    def run(self, jobs: Sequence[Job]) -> Sequence[Exception]:
        """Run the jobs and wait for them."""
        from poolsweep.launch.local.launch import run_jobs, slots_for

        devices = [job.config.trainer["devices"] for job in jobs if not job.config.is_probe]
        accelerator = str(self.config.trainer.accelerator)
        return run_jobs(jobs, slots=slots_for(devices, accelerator=accelerator, **self._limits))
