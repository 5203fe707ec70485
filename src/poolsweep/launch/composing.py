"""What the launchers for clusters have in common: they compose configs here and send them, resolved, elsewhere.

Hydra imports this file in every Hydra program, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from poolsweep.config import RunConfig


class ComposingLauncher(Launcher):
    """Composes the configs of jobs; runs sweeps, and no single run.

    Attributes:
        waits: Whether ``launch`` returns when all runs have ended, rather than when they are handed over.
        dry_run: Whether it prints what it would submit, and submits nothing.
    """

    def __init__(self, *, waits: bool = True, dry_run: bool = False) -> None:
        self.waits, self.dry_run = waits and not dry_run, dry_run
        self._composed: dict[tuple[str, ...], RunConfig] = {}
        self._context: HydraContext | None = None
        self._config: DictConfig | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take note of what the sweep is made of."""
        self._context, self._config = hydra_context, config

    def take(self, composed: Mapping[tuple[str, ...], RunConfig]) -> None:
        """Take what a sweeper has composed already: composing a thousand runs again takes a minute.

        Args:
            composed: Overrides → config.
        """
        self._composed = dict(composed)

    def config_of(self, overrides: Sequence[str]) -> RunConfig:
        """The config of one job."""
        from poolsweep.config import resolve

        if tuple(overrides) in self._composed:
            return self._composed[tuple(overrides)]
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
