"""Composes configs with Hydra and runs them; turns what Hydra refuses into one line."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from poolsweep.conf_dir import conf_dir
from poolsweep.config import resolve
from poolsweep.errors import UserError, nearest


class FailedBeforeError(Exception):
    """The run failed before and is not to be run again."""


def launch(arguments: Sequence[str]) -> int:
    """Run ``poolsweep train``.

    Args:
        arguments: Hydra's command line: overrides and flags.
    Raises:
        UserError: For whatever Hydra refuses.
    """
    from poolsweep.callbacks.best_weights import TrainingDivergedError
    from poolsweep.callbacks.checkpoint import RunTimeoutError
    from poolsweep.run.failure import DiskFullError
    from poolsweep.run.job import RunsElsewhereError
    from poolsweep.run.signals import stop_signals
    from poolsweep.sweep.grid import SweepFailedError

    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and exiting
    sys.argv = ["poolsweep train", *arguments]
    known: list[Exception] = []
    said = (TrainingDivergedError, RunTimeoutError, DiskFullError, RunsElsewhereError, FailedBeforeError)

    def task(config: DictConfig) -> dict[str, Any] | None:
        try:
            return _task(config)
        except (UserError, *said) as error:  # Hydra would print a line of its own about an exception
            known.append(error)
            return None

    try:
        with warnings.catch_warnings(), stop_signals:
            hydra.main(config_path=str(conf_dir()), config_name="train", version_base="1.3")(task)()
        if known:
            raise known[0]
    except (SweepFailedError, *said) as error:
        print(f"poolsweep: {error}", file=sys.stderr)
        return 1
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(in_one_line(error)) from error
    except ValueError as error:
        if str(error).startswith("Config group override must be"):  # Hydra's, for pooling=1
            raise UserError(str(error)) from error
        raise
    return 0


def _task(config: DictConfig) -> dict[str, Any]:
    from poolsweep.run.job import checked, failed_before, finished_before, folder_of, run_job, start_over
    from poolsweep.sweep.display import Display

    if HydraConfig.get().mode is RunMode.MULTIRUN:
        return run_job(config)
    content = resolve(config)
    console = Console(stderr=True)
    if content.get("retry") != "all" and finished_before(content) is not None:
        folder, identity = folder_of(content)
        console.print(f"run {identity} finished before; its result stands", highlight=False)
        result = run_job(config)
        _print_result(result, str(folder.path))
        return result
    notes = checked(content).notes
    folder, identity = folder_of(content)
    if failed_before(folder) and content["retry"] == "never":
        raise FailedBeforeError(f"run {identity} failed before; retry=failed runs it again")
    if content["retry"] == "all":
        start_over(folder)
    for note in notes:
        console.print(f"note: {note}", highlight=False, soft_wrap=True, markup=False)
    with Display({folder: identity}, console=console):
        result = run_job(config)
    _print_result(result, str(folder.path))
    return result


def _print_result(result: dict[str, Any], path: str) -> None:
    console = Console()
    for name, value in result["metrics"].items():
        console.print(f"{name:<16} {value:.4f}", highlight=False)
    for split, share in result["truncated_share"].items():
        if share:
            console.print(f"{100 * share:.1f}% of the {split} texts were cut to data.max_length", highlight=False)
    console.print(path, highlight=False, soft_wrap=True)


def in_one_line(error: Exception) -> str:
    """What Hydra refused, in one sentence with the nearest valid names.

    Args:
        error: Hydra's or OmegaConf's.
    """
    text = str(error).strip()
    if isinstance(error, OverrideParseException):
        return f"{error.override} cannot be parsed: {text.splitlines()[0]}"
    option = re.search(r"Could not find '(.+?)/([^/']+)'", text)
    if option:
        group = option.group(1)
        folder = conf_dir() / group
        valid = [p.stem for p in folder.glob("*.yaml") if not p.stem.startswith("_")]
        return f"{group}={option.group(2)} is no option of {group}; {nearest(option.group(2), valid)}"
    unknown = re.search(r"Could not override '(.+?)'", text) or re.search(r"Key '(.+?)' is not in struct", text)
    if unknown:
        kind = unknown.group(1).split(".")[0]
        if (conf_dir() / "sweep" / f"{kind}.yaml").is_file():
            return f"{unknown.group(1)} is a key of sweep={kind}, which must be given too"
        return f"there is no key {unknown.group(1)}; {_nearest_key(unknown.group(1))}"
    group = re.search(r"In '.+': Could not override '(.+?)'\. No match in the defaults list", text)
    if group:
        return f"there is no group {group.group(1)}; {nearest(group.group(1), _groups())}"
    return " ".join(line.strip() for line in text.splitlines()[:2])


def _groups() -> list[str]:
    return [str(path.relative_to(conf_dir())) for path in conf_dir().rglob("*") if path.is_dir()]


def _nearest_key(key: str) -> str:
    """The nearest keys anywhere in the configs (all groups together, since any could have been meant)."""
    import yaml

    root = conf_dir()
    found = set(_groups())
    for path in root.rglob("*.yaml"):
        parent = ".".join(path.relative_to(root).parent.parts)
        for name in yaml.safe_load(path.read_text(encoding="utf-8")) or {}:
            if name not in {"defaults", "_target_", "hydra"} and not parent.startswith(
                ("hydra", "experiment", "sweep")
            ):
                found.add(f"{parent}.{name}" if parent else name)
    same_group = {name for name in found if name.rpartition(".")[0] == key.rpartition(".")[0]}
    return nearest(key, same_group or found)
