"""``poolsweep wandb-sweep``: a sweep.yaml by which W&B's agents drive ``poolsweep train``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import yaml

from poolsweep.conf_dir import conf_dir
from poolsweep.errors import UserError
from poolsweep.metric_names import direction
from poolsweep.sweep.combination import require_values
from poolsweep.sweep.grids import is_one_grid, read_grids

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig

_HEADER = """\
# wandb sweep sweep.yaml     creates the sweep and prints its id
# wandb agent SWEEP_ID       on as many machines as you like; each agent runs one combination after the other
"""


def sweep_yaml(arguments: Sequence[str], *, method: str, project: str) -> str:
    """The sweep of a ``poolsweep train -m`` command in W&B's words.

    Args:
        arguments: Overrides; those with several comma-separated values are swept.
        method: grid, random or bayes.
        project: W&B's.
    Raises:
        UserError: If nothing is swept, or an override cannot be parsed.
    """
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    from poolsweep.cli.refused import in_one_line
    from poolsweep.config import resolve
    from poolsweep.training.sources import task_of_data

    loader = ConfigLoaderImpl(create_config_search_path(str(conf_dir())))  # glob(*) asks for the groups
    parser = OverridesParser.create(loader)
    try:
        overrides = parser.parse_overrides(list(arguments))
    except OverrideParseException as error:
        raise UserError(in_one_line(error)) from error
    require_values(overrides)
    given = {override.key_or_group for override in overrides}
    config = _first(loader, overrides)
    params = config.hydra.sweeper.get("params") or {}  # what the experiment sweeps by itself
    overrides = [*parser.parse_overrides([f"{k}={v}" for k, v in params.items() if k not in given]), *overrides]
    if not is_one_grid(config):
        raise UserError("sweep.also and sweep.file join grids, and W&B's agents draw from one: leave them out")
    overrides = read_grids(overrides, config=config, parse=parser.parse_overrides)[0].overrides  # with the folds
    swept: dict[str, dict[str, Any]] = {}
    fixed: list[str] = []
    for override in overrides:
        if override.is_interval_sweep():
            swept[override.get_key_element()] = _interval(override, method=method)
        elif override.is_sweep_override():
            swept[override.get_key_element()] = {"values": [_as_typed(value) for value in override.sweep_iterator()]}
        else:
            assert override.input_line is not None
            fixed.append(override.input_line)
    if not swept:
        raise UserError("nothing is swept: give a key several values, as in pooling=cls,masked_mean seed=0,1,2")
    monitor = resolve(config, find_task=task_of_data).monitor
    content = {
        "project": project,
        "method": method,
        "metric": {
            "name": monitor,
            "goal": "maximize" if direction(monitor) == "max" else "minimize",
        },
        "command": ["${env}", "poolsweep", "train", "logger=wandb", *fixed, "${args_no_hyphens}"],
        "parameters": swept,
    }
    return _HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _first(loader: ConfigLoader, overrides: Sequence[Override]) -> DictConfig:
    """The config of the first combination.

    Raises:
        UserError: If Hydra refuses it.
    """
    from hydra.types import RunMode

    from poolsweep.cli.refused import in_one_line, is_hydras

    lines = [
        f"{o.get_key_element()}={next(iter(o.sweep_string_iterator()))}" if o.is_sweep_override() else str(o.input_line)
        for o in overrides
        if not o.is_interval_sweep()
    ]
    try:
        return loader.load_configuration("train", overrides=lines, run_mode=RunMode.MULTIRUN)
    except Exception as error:
        if not is_hydras(error):
            raise
        raise UserError(in_one_line(error, lines)) from error


def _interval(override: Override, *, method: str) -> dict[str, Any]:
    """W&B's words for ``interval(a, b)``, with ``tag(log, …)`` for its logarithm and ``int(…)`` for whole numbers.

    Raises:
        UserError: If the method is grid, which needs values.
    """
    from hydra.core.override_parser.types import IntervalSweep

    found = override.value()
    assert isinstance(found, IntervalSweep)
    if method == "grid":
        raise UserError(f"{override.input_line}: a grid needs values; --method random or bayes draws from an interval")
    whole, log = isinstance(found.start, int) and isinstance(found.end, int), "log" in found.tags
    kind = ("q_log_uniform_values" if log else "int_uniform") if whole else "log_uniform_values" if log else "uniform"
    return {"distribution": kind, "min": found.start, "max": found.end} | ({"q": 1} if kind.startswith("q_") else {})


def _as_typed(value: Any) -> Any:  # noqa: ANN401
    """A number, or what Hydra reads as the value: W&B's agents write ``key=`` and the value, in Python's words."""
    from hydra.core.override_parser.types import Override

    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else Override._get_value_element_as_str(value)
