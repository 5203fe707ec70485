"""What the launchers for clusters have in common: they compose configs here and send them, resolved, elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from poolsweep.config import RunConfig


class ComposingLauncher(Launcher):
    """Composes the configs of jobs.

    Attributes:
        sweeps_alone: It runs sweeps, and no single run.
        configs: Overrides → config, of what the sweeper has composed already.
    """

    sweeps_alone = True

    def __init__(self) -> None:
        self.configs: dict[tuple[str, ...], RunConfig] = {}
        self._context: HydraContext | None = None
        self._config: DictConfig | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take note of what the sweep is made of."""
        self._context, self._config = hydra_context, config

    def config_of(self, overrides: Sequence[str]) -> RunConfig:
        """The config of one job."""
        from poolsweep.config import resolve

        if tuple(overrides) in self.configs:
            return self.configs[tuple(overrides)]
        assert self._context is not None
        assert self._config is not None
        composed = self._context.config_loader.load_sweep_config(self._config, list(overrides))
        assert isinstance(composed, DictConfig)
        return resolve(composed)

    @staticmethod
    def plain(given: Mapping[str, Any]) -> dict[str, Any]:
        """Keys of ``hydra.launcher`` as plain containers."""
        found = OmegaConf.to_container(OmegaConf.create(dict(given)), resolve=True)
        assert isinstance(found, dict)
        return {str(key): value for key, value in found.items()}
