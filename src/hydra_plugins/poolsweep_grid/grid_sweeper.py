"""The grid sweeper as a Hydra plugin. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override, OverrideType
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from poolsweep.sweep.compositions import SharedCompositions
from poolsweep.sweep.own_keys import require_read
from poolsweep.sweep.point import Point, require_values
from poolsweep.terminal.progress import said_if_slow


class GridSweeper(BasicSweeper):
    """Hydra's own grid, with a plan before it and an answer after it.

    Args:
        params: Swept values of an experiment file: key → comma-separated values; the command line wins.
    """

    def __init__(self, params: Mapping[str, str] | None = None) -> None:
        super().__init__(max_batch_size=None, params=dict(params or {}))

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra gives; the launcher gets a config loader that does not compose the same again and again."""
        loader = hydra_context.config_loader
        assert isinstance(loader, ConfigLoaderImpl)
        self.compositions = SharedCompositions(loader)
        shared = HydraContext(config_loader=self.compositions, callbacks=hydra_context.callbacks)
        super().setup(hydra_context=shared, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> Any:  # noqa: ANN401
        """Run every combination of the swept values; see ``poolsweep.sweep.grid.sweep``."""
        require_read(self.config or {}, sweep="grid")
        points = self.points(arguments)
        with said_if_slow("loading torch and transformers"):
            from poolsweep.sweep.grid import sweep

        assert self.launcher is not None
        return sweep(points, compose=self.compose, launcher=self.launcher)

    def points(self, arguments: list[str]) -> list[Point]:
        """Every combination of the swept values, of the command line and of ``params``.

        What Hydra refuses of the first, or of an option of a group, it refuses now, while little is loaded.
        """
        parser = self.parser()
        given = {override.key_or_group for override in parser.parse_overrides(arguments)}
        params = [f"{key}={value}" for key, value in self.params.items() if key not in given]
        overrides = parser.parse_overrides([*params, *arguments])
        require_values(overrides)
        swept = {o.get_key_element() for o in overrides if o.is_sweep_override()}
        values = {o.get_key_element() for o in overrides if o.is_sweep_override() and self._sets_a_value(o, overrides)}
        combinations = self.split_arguments(overrides, None)[0]
        self.compositions.values |= {o for one in combinations for o in one if o.split("=", 1)[0] in values}
        patterns = {o.get_key_element() for o in overrides if isinstance(o.value(), Glob) and _is_pooling(o)}
        points = [Point(tuple(one), " ".join(_of(swept, one)), tuple(_of(patterns, one))) for one in combinations]
        for point in self._doubtful(points, overrides):
            self.compose(point)
        return points

    def _doubtful(self, points: Sequence[Point], overrides: Sequence[Override]) -> list[Point]:
        """The first point, and the first with an option that its group lacks."""
        repository = self.compositions.repository
        groups = {o.get_key_element() for o in overrides if repository.group_exists(o.key_or_group)}
        chosen = {
            override: point
            for point in reversed(points)
            for override in point.overrides
            if override.split("=", 1)[0] in groups
        }
        lacking = [point for o, point in chosen.items() if not repository.config_exists(o.replace("=", "/", 1))]
        return [*points[:1], *lacking[:1]]

    def parser(self) -> OverridesParser:
        """Of overrides; it knows the groups, which ``glob(*)`` asks for."""
        return OverridesParser.create(self.compositions)

    def _sets_a_value(self, override: Override, others: Sequence[Override]) -> bool:
        """Whether an override can be applied after composition: it chooses no group, and no other one touches it."""
        key, is_group = override.key_or_group, self.compositions.repository.group_exists
        plain = override.type is OverrideType.CHANGE and override.package is None and not key.startswith("hydra.")
        others = [other for other in others if other is not override and not is_group(other.key_or_group)]
        return plain and not is_group(key) and not any(_overlap(key, other.key_or_group) for other in others)

    def compose(self, point: Point) -> DictConfig:
        """A point's config, without Hydra's own part."""
        assert self.config is not None
        return self.compositions.without_hydra(self.config, point.overrides)


def _is_pooling(override: Override) -> bool:
    return override.key_or_group.partition("/")[0] == "pooling"


def _of(keys: Collection[str], overrides: Iterable[str]) -> list[str]:
    return [override for override in overrides if override.split("=", 1)[0] in keys]


def _overlap(key: str, other: str) -> bool:
    """Whether one of two dotted keys lies in the other."""
    return f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")
