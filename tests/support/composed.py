"""Overrides that a page shows, composed as Hydra composes them and checked as a sweep is before its first run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig

import poolsweep.resolvers  # noqa: F401  configs ask for them
from poolsweep.conf_dir import conf_dir
from poolsweep.config import RunConfig, resolve, validate
from poolsweep.config.shared import Composed, SharedConfig
from poolsweep.errors import UserError
from poolsweep.sweep.combination import Combination
from poolsweep.sweep.config_loader import SharedConfigLoader
from poolsweep.sweep.optuna import check
from poolsweep.sweep.optuna.options import optuna_options
from poolsweep.sweep.optuna.space import read_space
from poolsweep.sweep.race.options import race_options
from poolsweep.terminal.console import Console
from poolsweep.training.sources import load_data, task_of_data

_OF_HYDRA = ("hydra", "sweep", "race.", "optuna.", "experiment")


def check_overrides(overrides: Sequence[str], *, config_dir: Path | None = None) -> list[RunConfig]:
    """Compose and check what ``poolsweep train -m`` would run.

    Every value of every axis is in a config that is checked. Of poolings it is the first: the others are known to be
    there, and suites of their own are about them.

    Args:
        overrides: As they are typed, without flags.
        config_dir: Folder that is given by ``--config-dir``.
    Returns:
        The configs that were checked.
    Raises:
        Exception: What refuses them.
    """
    loader = _loader(config_dir)
    of_hydra = [one for one in overrides if one.lstrip("+~").startswith(_OF_HYDRA)]
    master = _master(loader, tuple(of_hydra))
    sweeper = instantiate(master.hydra.sweeper)
    if master.hydra.launcher._target_.startswith("hydra_plugins."):
        getattr(instantiate(master.hydra.launcher), "limits", None)  # checks what a cluster is asked for
    sweeper.loader, sweeper.config = loader, master
    options, grids = sweeper.options(), sweeper.parsed(list(overrides))
    keys = {override.get_key_element() for grid in grids for override in grid.overrides}
    plain = sweeper.plain_keys(grids, among=keys)
    typed = [str(one.input_line) for grid in grids for one in grid.overrides if not one.is_sweep_override()]
    loader.values |= _of(plain, typed)  # what sets a value alone shares the composition of another command

    def compose(given: Combination) -> Composed:
        loader.values |= _of(plain, given.overrides)
        return sweeper.compose(given)

    if sweeper.name == "optuna":
        return [_of_space(grids, options, compose)]
    if sweeper.name == "race":
        race_options(options)
    return [_checked(compose(one)) for one in _each_value(sweeper.combinations(list(overrides)))]


def _of(keys: Collection[str], overrides: Iterable[str]) -> set[str]:
    return {one for one in overrides if one.partition("=")[0] in keys}


def _each_value(combinations: Sequence[Combination]) -> list[Combination]:
    """As many as have each value once, but for poolings."""
    seen: set[str] = set()
    found = []
    for one in combinations:
        values = {value for value in one.varied if not value.startswith("pooling")}
        if not found or values - seen:
            seen |= values
            found.append(one)
    return found


def _checked(content: Composed) -> RunConfig:
    composed = content.composed() if isinstance(content, SharedConfig) else content
    from_files = composed.data._target_.endswith("files.Files")
    config = resolve(content, find_task=task_of_data if from_files else lambda data, trusted: "classification")
    try:
        validate(config)
    except UserError as error:
        if missing := [one for one in error.problems if "pip install 'poolsweep[" not in one]:
            raise UserError(*missing) from error  # an extra may be absent here
    if from_files:  # its columns, labels and groups
        load_data(config.data, config.task, config.rows, data_seed=config.data_seed)
    return config


def _of_space(grids: Any, options: Any, compose: Any) -> RunConfig:
    optuna_options(options)
    space = read_space(grids[0].overrides)

    def composed(chosen: tuple[str, ...]) -> Composed:
        return compose(Combination((*space.fixed, *chosen), chosen))

    with mock.patch.object(check, "check_once", lambda config, known: validate(config) or ()):
        return check.check_space(space, compose=composed, known={}, console=Console(stderr=True))[1]


@lru_cache
def _loader(config_dir: Path | None) -> SharedConfigLoader:
    Plugins.instance()
    path = create_config_search_path(str(conf_dir()))
    if config_dir is not None:
        path.prepend("command-line", f"file://{config_dir}", anchor=SearchPathQuery(provider="schema"))
    return SharedConfigLoader(ConfigLoaderImpl(path))


@lru_cache
def _master(loader: SharedConfigLoader, overrides: tuple[str, ...]) -> DictConfig:
    return loader.load_configuration("train", overrides=list(overrides), run_mode=RunMode.MULTIRUN)
