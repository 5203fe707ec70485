"""The Optuna sweeper as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from typing import Any

from hydra_plugins.poolsweep_grid.grid_sweeper import GridSweeper
from poolsweep.config.shared import Composed
from poolsweep.errors import UserError
from poolsweep.sweep.combination import Combination
from poolsweep.terminal.progress import loading


class OptunaSweeper(GridSweeper):
    """Trials that Optuna chooses from the swept values."""

    name = "optuna"

    def sweep(self, arguments: list[str]) -> Any:  # noqa: ANN401
        """Run trials; see ``poolsweep.sweep.optuna.driver.run_trials``."""
        from poolsweep.extras import require

        require("optuna", asked_by="sweep=optuna")
        with loading("torch, transformers and optuna"):
            from poolsweep.runs.record_fields import REPLICATES
            from poolsweep.sweep.optuna.driver import run_trials
            from poolsweep.sweep.optuna.options import optuna_options
            from poolsweep.sweep.optuna.space import read_space

        options = optuna_options(self.options())
        grids = self.parsed(arguments)
        if len(grids) > 1 or grids[0].origin:
            raise UserError("sweep.also and sweep.file join grids, and sweep=optuna searches one space: leave them out")
        space = read_space(grids[0].overrides)
        plain = self.plain_keys(grids, among={axis.key for axis in space.axes} | set(REPLICATES))

        def compose(chosen: tuple[str, ...]) -> Composed:
            self.loader.values |= {o for o in chosen if o.partition("=")[0] in plain}
            return self.compose(Combination((*space.fixed, *chosen), chosen))

        assert self.launcher is not None
        return run_trials(space, compose=compose, launcher=self.launcher, options=options)
