"""The race as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import ListConfig, OmegaConf

from hydra_plugins.poolsweep_grid.grid_sweeper import GridSweeper
from poolsweep.terminal.progress import said_if_slow


class RaceSweeper(GridSweeper):
    """The grid in rounds of seeds, without further runs of poolings that cannot be the best any more.

    Args:
        params: Swept values of an experiment file, as for the grid.
        min_seeds: Number of seeds before the first interim analysis.
        level: Probability that no interim analysis drops the best.
        metric: Metric of the validation split.
        keep: Poolings that get every seed.
    """

    def __init__(
        self,
        *,
        min_seeds: object,
        level: object,
        metric: object,
        keep: object,
        params: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(params=params)
        self._options = {"min_seeds": min_seeds, "level": level, "metric": metric, "keep": _plain(keep)}

    def sweep(self, arguments: list[str]) -> Any:  # noqa: ANN401
        """Run a race; see ``poolsweep.sweep.race.driver.race``."""
        from poolsweep.errors import UserError, nearest

        with said_if_slow("loading torch and transformers"):
            from poolsweep.sweep.race.driver import race
            from poolsweep.sweep.race.options import race_options

        parsed = self.parser().parse_overrides(arguments)
        swept = [o.key_or_group for o in parsed if o.is_sweep_override() and o.key_or_group.startswith("race.")]
        if swept:
            raise UserError(*(f"{key} takes one value for the whole race, not several" for key in swept))
        unknown = sorted({str(key) for key in (self.config or {}).get("race", {})} - self._options.keys())
        if unknown:
            raise UserError(*(f"there is no key race.{key}; {nearest(key, self._options)}" for key in unknown))
        options = race_options(self._options)
        combinations = self.combinations(arguments)
        assert self.launcher is not None
        return race(combinations, compose=self.compose, launcher=self.launcher, options=options)


def _plain(value: object) -> object:
    return OmegaConf.to_container(value) if isinstance(value, ListConfig) else value
