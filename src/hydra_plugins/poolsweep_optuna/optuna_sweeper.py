"""The Optuna sweeper as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig

from hydra_plugins.poolsweep_grid.grid_sweeper import GridSweeper
from poolsweep.sweep.combination import Combination, require_values
from poolsweep.terminal.progress import said_if_slow


class OptunaSweeper(GridSweeper):
    """Trials that Optuna chooses from the swept values.

    Args:
        options: The keys of ``optuna``.
        params: Swept values of an experiment file: key → values, in Hydra's syntax; the command line wins.
    """

    def __init__(self, options: Mapping[str, Any], params: Mapping[str, str] | None = None) -> None:
        super().__init__(params=params)
        self._options = dict(options)

    def sweep(self, arguments: list[str]) -> Any:  # noqa: ANN401
        """Run trials; see ``poolsweep.sweep.optuna.driver.run_trials``."""
        from poolsweep.extras import require

        require("optuna", asked_by="sweep=optuna")
        with said_if_slow("loading torch, transformers and optuna"):
            from poolsweep.sweep.optuna.driver import run_trials
            from poolsweep.sweep.optuna.options import optuna_options
            from poolsweep.sweep.optuna.space import read_space

        options = optuna_options(self._options)
        parser = self.parser()
        given = {override.key_or_group for override in parser.parse_overrides(arguments)}
        params = [f"{key}={value}" for key, value in self.params.items() if key not in given]
        overrides = parser.parse_overrides([*params, *arguments])
        require_values(overrides)
        space = read_space(overrides)
        settable = {
            o.get_key_element() for o in overrides if o.is_sweep_override() and self._sets_a_value(o, overrides)
        }

        def compose(chosen: tuple[str, ...]) -> DictConfig:
            self.loader.values |= {o for o in chosen if o.partition("=")[0] in settable}
            return self.compose(Combination((*space.fixed, *chosen), " ".join(chosen)))

        assert self.launcher is not None
        return run_trials(space, compose=compose, launcher=self.launcher, options=options)
