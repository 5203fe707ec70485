"""What poolsweep's launchers have in common: they run jobs whose configs a sweep has made and checked.

Hydra imports this file in every Hydra program, so it imports nothing heavy.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from poolsweep.errors import UserError

if TYPE_CHECKING:
    from poolsweep.config import RunConfig
    from poolsweep.runs.folder import RunFolder


@dataclass(frozen=True)
class Job:
    """A run that a sweep has decided to make.

    Attributes:
        folder: Folder of the run.
        config: Validated.
        name: The overrides that differ between the runs of the sweep.
        overrides: All overrides that the config was composed from, those of Hydra itself included.
    """

    folder: RunFolder
    config: RunConfig
    name: str
    overrides: tuple[str, ...]


class JobLauncher(Launcher):
    """Runs the jobs of a sweep.

    Attributes:
        waits: Whether ``run`` returns when all jobs have ended, rather than when they are handed over.
        dry_run: Whether it prints what it would submit, and submits nothing.
        needs_sweep: Whether it refuses a command without ``-m``, since the run would be on another machine.
    """

    needs_sweep: ClassVar[bool] = False

    def __init__(self, *, waits: bool = True, dry_run: bool = False) -> None:
        self.waits, self.dry_run = waits and not dry_run, dry_run

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take note of the config that is common to all jobs."""
        self.config = config

    @abstractmethod
    def run(self, jobs: Sequence[Job]) -> Sequence[Exception]:
        """Run the jobs; what becomes of each stands in its folder.

        Args:
            jobs: One or more, in the order in which they are to begin.
        Returns:
            What kept jobs from beginning, where no folder can tell it.
        """

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Refuse sweepers of others, which know nothing of jobs.

        Raises:
            UserError: Always.
        """
        raise UserError("a launcher of poolsweep takes a sweeper of poolsweep: sweep=grid, sweep=race or sweep=optuna")

    @staticmethod
    def plain(given: Mapping[str, Any]) -> dict[str, Any]:
        """Keys of ``hydra.launcher`` as plain containers."""
        found = OmegaConf.to_container(OmegaConf.create(dict(given)), resolve=True)
        assert isinstance(found, dict)
        return {str(key): value for key, value in found.items()}
