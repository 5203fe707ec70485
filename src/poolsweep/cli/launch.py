"""Composes configs with Hydra and runs them; turns what Hydra refuses into one line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import get_class
from omegaconf import DictConfig

import poolsweep.resolvers  # noqa: F401  --resolve asks for them
from poolsweep.cli.config_tree import config_tree
from poolsweep.cli.quoting import quoted
from poolsweep.cli.refused import flags_last, in_one_line, is_hydras
from poolsweep.cli.single_run import checked_run, end_workers, print_result, run_composed, said, shown
from poolsweep.conf_dir import conf_dir, own_config_dir
from poolsweep.errors import UserError
from poolsweep.launch.launcher import JobLauncher
from poolsweep.process.collector import importing
from poolsweep.terminal.console import Console
from poolsweep.terminal.progress import loading
from poolsweep.terminal.text import print_problem

if TYPE_CHECKING:
    from poolsweep.config import RunConfig


_TREE = "--print-config"


def launch(arguments: Sequence[str]) -> int:
    """Run ``poolsweep train``; torch and what stands on it is loaded once Hydra has composed a config.

    Args:
        arguments: Hydra's command line: overrides and flags.
    Raises:
        UserError: For whatever Hydra refuses.
    """
    from poolsweep.process.signals import stop_signals

    tree = _TREE in arguments
    arguments = [argument for argument in arguments if argument != _TREE]
    if tree and {"-m", "--multirun"} & set(arguments):
        raise UserError(f"{_TREE} shows the config of one run, and -m runs a sweep: leave one out")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting
    sys.argv = ["poolsweep train", *(arguments := flags_last(quoted(arguments)))]
    known: list[Exception] = []

    def task(config: DictConfig) -> dict[str, Any] | None:
        try:
            with loading("torch and transformers"):
                from poolsweep.distributed.world import given_world
                from poolsweep.training.job import run, run_name
            world = given_world()
            if HydraConfig.get().mode is RunMode.MULTIRUN or (world is not None and world.rank > 0):
                return run_composed(config)
            job = checked_run(_single_run(config, tree=tree), name=run_name(HydraConfig.get().overrides.task))
            with shown(job):
                result = run(job.config, name=job.name, sweeping=False, prepared=job.prepared)
            print_result(job, result)
            return result
        except Exception as error:
            if not isinstance(error, (UserError, OSError, *said())):
                raise
            known.append(error)  # Hydra would print a line of its own about an exception
            return None

    try:
        with warnings.catch_warnings(), stop_signals, own_config_dir(arguments):
            hydra.main(config_path=str(conf_dir()), config_name="train", version_base="1.3")(task)()
        if known:
            raise known[0]
    except UserError:
        raise
    except Exception as error:
        if str(error).startswith("Only one of --run, --multirun"):
            raise UserError(
                "--cfg and --info show the config of one run, and -m runs a sweep: leave one out"
            ) from error
        if is_hydras(error):
            raise UserError(in_one_line(error, arguments)) from error
        if not isinstance(error, said()):
            raise
        for line in dict.fromkeys(f"poolsweep: {one}" for one in (*known, *getattr(error, "problems", (error,)))):
            print_problem(line)
        return 1
    finally:
        end_workers()
    return 0


@importing()
def _single_run(config: DictConfig, *, tree: bool) -> RunConfig:
    """The config of a single run that was typed.

    Raises:
        UserError: If it is none, or what was typed beside it is for sweeps alone.
    """
    from poolsweep.config import resolve
    from poolsweep.sweep.combination import sweep_options
    from poolsweep.sweep.grids import is_one_grid
    from poolsweep.training.sources import task_of_data

    _require_launcher_for_one(HydraConfig.get().launcher)
    if not is_one_grid(config):
        raise UserError("sweep.also and sweep.file say which runs a sweep makes: poolsweep train -m …")
    sweep_options(config, sweep=str(HydraConfig.get().runtime.choices.get("sweep")))
    found = resolve(config, find_task=task_of_data)
    if tree:
        Console(stderr=True).print(config_tree(found.content))
    return found


def _require_launcher_for_one(launcher: Any) -> None:  # noqa: ANN401
    """Refuse a launcher that has no keys, or that runs nothing but sweeps.

    Raises:
        UserError: If it is such a one.
    """
    if not isinstance(launcher, Mapping | DictConfig):
        raise UserError(f"hydra.launcher={launcher} has no keys; hydra/launcher=NAME chooses a launcher")
    found = get_class(launcher["_target_"])
    if issubclass(found, JobLauncher) and found.needs_sweep:
        raise UserError("a launcher for clusters runs sweeps: poolsweep train -m … (one run is a sweep too)")
