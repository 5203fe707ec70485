"""The grid sweeper as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig


class GridSweeper(BasicSweeper):
    """Hydra's own grid, with a plan before it and an answer after it.

    Args:
        params: Swept values of an experiment file: key → comma-separated values; the command line wins.
    """

    def __init__(self, params: Mapping[str, str] | None = None) -> None:
        super().__init__(max_batch_size=None, params=dict(params or {}))

    def sweep(self, arguments: list[str]) -> Any:  # noqa: ANN401
        """Run every combination of the swept values; see ``poolsweep.sweep.grid.sweep``."""
        from poolsweep.sweep.grid import Point, sweep

        parser = OverridesParser.create()
        given = {override.key_or_group for override in parser.parse_overrides(arguments)}
        params = [f"{key}={value}" for key, value in self.params.items() if key not in given]
        overrides = parser.parse_overrides([*params, *arguments])
        swept = {o.get_key_element() for o in overrides if o.is_sweep_override()}
        points = [
            Point(tuple(combination), " ".join(o for o in combination if o.split("=", 1)[0] in swept))
            for combination in self.split_arguments(overrides, None)[0]
        ]
        assert self.launcher is not None
        return sweep(points, compose=self._compose, launcher=self.launcher)

    def _compose(self, overrides: Sequence[str]) -> DictConfig:
        assert self.hydra_context is not None
        assert self.config is not None
        config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
        assert isinstance(config, DictConfig)
        return config
