"""The grid sweeper as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override, OverrideType
from hydra.errors import HydraException
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hydra_plugins.poolsweep_local.serial_launcher import SerialLauncher
from poolsweep.cli.quoting import quoted
from poolsweep.cli.refused import in_one_line, is_hydras
from poolsweep.config.shared import Composed
from poolsweep.errors import UserError
from poolsweep.sweep.combination import Combination, require_values, sweep_options
from poolsweep.sweep.config_loader import SharedConfigLoader
from poolsweep.sweep.grids import Grid, read_grids
from poolsweep.terminal.progress import loading


class GridSweeper(BasicSweeper):
    """Hydra's own grid, with a plan before it and an answer after it.

    Args:
        params: Swept values of an experiment file: key → values, in Hydra's syntax; the command line wins.
    Attributes:
        name: The option of ``sweep`` that chooses it, and the section of the config with its keys, if it has any.
    """

    name = "grid"

    def __init__(self, params: Mapping[str, str] | None = None) -> None:
        super().__init__(max_batch_size=None, params=dict(params or {}))

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra gives, and a config loader that does not compose the same again and again."""
        if config.hydra.job.env_set:
            raise UserError("hydra.job.env_set is not read in a sweep: set the variables before the command")
        loader = hydra_context.config_loader
        assert isinstance(loader, ConfigLoaderImpl)
        self.loader = SharedConfigLoader(loader)
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        if type(self.launcher) is BasicLauncher:  # Hydra's default, which would compose every run again
            self.launcher = SerialLauncher()

    def sweep(self, arguments: list[str]) -> Any:  # noqa: ANN401
        """Run every combination of the swept values; see ``poolsweep.sweep.grid.sweep``."""
        self.options()
        combinations = self.combinations(arguments)
        with loading("torch and transformers"):
            from poolsweep.sweep.grid import sweep

        assert self.launcher is not None
        return sweep(combinations, compose=self.compose, launcher=self.launcher)

    def options(self) -> dict[str, Any]:
        """The keys of this kind of sweep."""
        return sweep_options(self.config or {}, sweep=self.name)

    def parsed(self, arguments: list[str]) -> list[Grid]:
        """The grids of what was typed and the ``params`` that were not, of ``sweep.also`` and of ``sweep.file``.

        Raises:
            UserError: If something is swept over no value, or a key of the sweep itself is swept.
        """
        assert self.config is not None
        given = {override.key_or_group for override in self._parse(arguments)}
        params = [f"{key}={value}" for key, value in self.params.items() if key not in given]
        typed = self._parse([*params, *arguments])
        swept = [o.key_or_group for o in typed if o.is_sweep_override()]
        once = (f"{self.name}.", "sweep.", "data.folds")
        if own := [key for key in swept if f"{key}.".startswith(once)]:
            raise UserError(*(f"{key} takes one value for the whole sweep, not several" for key in own))
        rest = [override for override in typed if not override.key_or_group.startswith("sweep.")]
        grids = read_grids(rest, config=self.config, parse=self._parse)
        require_values(override for grid in grids for override in grid.overrides)
        return grids

    def _parse(self, arguments: list[str]) -> list[Override]:
        arguments = quoted(arguments)
        parser = OverridesParser.create(self.loader)  # knows the groups, which ``glob(*)`` asks for
        try:
            return parser.parse_overrides(arguments)
        except HydraException as error:
            raise UserError(in_one_line(error, arguments)) from error

    def combinations(self, arguments: list[str]) -> list[Combination]:
        """Every combination of the swept values, of all grids, each once.

        What Hydra refuses of the first, or of an option of a group, it refuses now, while little is loaded.
        """
        grids = self.parsed(arguments)
        keys = {o.get_key_element() for grid in grids for o in grid.overrides if o.is_sweep_override()}
        keys = keys.union(*(grid.own for grid in grids))
        plain = self.plain_keys(grids, among=keys)
        found: dict[frozenset[str], Combination] = {}
        for grid in grids:
            patterns = {o.get_key_element() for o in grid.overrides if isinstance(o.value(), Glob)}
            for one in self.split_arguments(list(grid.overrides), None)[0]:
                combination = Combination(tuple(one), tuple(_of(keys, one)), tuple(_of(patterns, one)), grid.origin)
                found.setdefault(frozenset(one), combination)
        self.loader.values |= {o for combination in found.values() for o in _of(plain, combination.overrides)}
        for grid in grids:
            own = [combination for combination in found.values() if combination.origin == grid.origin]
            for combination in self._doubtful(own, grid.overrides):
                self.compose(combination)
        return list(found.values())

    def _doubtful(self, combinations: Sequence[Combination], overrides: Sequence[Override]) -> list[Combination]:
        """The first combination, and the first with an option that its group lacks."""
        repository = self.loader.repository
        groups = {o.get_key_element() for o in overrides if repository.group_exists(o.key_or_group)}
        chosen = {
            override: combination
            for combination in reversed(combinations)
            for override in combination.overrides
            if override.split("=", 1)[0] in groups
        }
        lacking = [
            combination for o, combination in chosen.items() if not repository.config_exists(o.replace("=", "/", 1))
        ]
        return [*combinations[:1], *lacking[:1]]

    def plain_keys(self, grids: Sequence[Grid], *, among: Collection[str]) -> set[str]:
        """Keys whose values can be set after composition, whichever grid they are in.

        Args:
            grids: All grids of the sweep.
            among: Keys that may be asked for.
        """
        plain: dict[str, bool] = {}
        for grid in grids:
            for override in grid.overrides:
                key = override.get_key_element()
                if key in among:
                    plain[key] = plain.get(key, True) and self._sets_a_value(override, grid.overrides)
        return {key for key, is_plain in plain.items() if is_plain}

    def _sets_a_value(self, override: Override, others: Sequence[Override]) -> bool:
        """Whether an override can be applied after composition: it chooses no group, and no other one touches it."""
        key, is_group = override.key_or_group, self.loader.repository.group_exists
        plain = override.type is OverrideType.CHANGE and override.package is None and not key.startswith("hydra.")
        others = [other for other in others if other is not override and not is_group(other.key_or_group)]
        return plain and not is_group(key) and not any(_overlap(key, other.key_or_group) for other in others)

    def compose(self, combination: Combination) -> Composed:
        """The config of a combination, without Hydra's own part.

        Raises:
            UserError: If Hydra refuses what a grid of a file or of ``sweep.also`` says.
        """
        assert self.config is not None
        try:
            return self.loader.without_hydra(self.config, combination.overrides)
        except Exception as error:
            if not combination.origin or not is_hydras(error):
                raise
            raise UserError(f"{combination.origin}: {in_one_line(error, combination.overrides)}") from error


def _of(keys: Collection[str], overrides: Iterable[str]) -> list[str]:
    return [override for override in overrides if override.split("=", 1)[0] in keys]


def _overlap(key: str, other: str) -> bool:
    """Whether one of two dotted keys lies in the other."""
    return f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")
