"""The race as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from typing import Any

from hydra_plugins.poolsweep_grid.grid_sweeper import GridSweeper
from poolsweep.terminal.progress import loading


class RaceSweeper(GridSweeper):
    """The grid in rounds of seeds, without further runs of poolings that cannot be the best any more."""

    name = "race"

    def sweep(self, arguments: list[str]) -> Any:  # noqa: ANN401
        """Run a race; see ``poolsweep.sweep.race.driver.race``."""
        with loading("torch and transformers"):
            from poolsweep.sweep.race.driver import race
            from poolsweep.sweep.race.options import race_options

        options = race_options(self.options())
        combinations = self.combinations(arguments)
        assert self.launcher is not None
        return race(combinations, compose=self.compose, launcher=self.launcher, options=options)
