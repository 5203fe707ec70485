"""What the launchers for clusters have in common: they compose configs here and send them, resolved, elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class ComposingLauncher(Launcher):
    """Composes the configs of jobs.

    Attributes:
        contents: Overrides → resolved config, of what the sweeper has composed already.
    """

    def __init__(self) -> None:
        self.contents: dict[tuple[str, ...], dict[str, Any]] = {}
        self._context: HydraContext | None = None
        self._config: DictConfig | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take note of what the sweep is made of."""
        self._context, self._config = hydra_context, config

    def content(self, overrides: Sequence[str]) -> dict[str, Any]:
        """The resolved config of one job."""
        from poolsweep.config import resolve

        if tuple(overrides) in self.contents:
            return self.contents[tuple(overrides)]
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
