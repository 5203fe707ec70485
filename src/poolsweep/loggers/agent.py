"""``poolsweep wandb-sweep``: a sweep.yaml by which W&B's agents drive ``poolsweep train``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from poolsweep.conf_dir import conf_dir
from poolsweep.errors import UserError

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

    groups = ConfigLoaderImpl(create_config_search_path(str(conf_dir())))  # glob(*) asks for them
    try:
        overrides = OverridesParser.create(groups).parse_overrides(list(arguments))
    except OverrideParseException as error:
        raise UserError(f"{error.override} cannot be parsed") from error
    swept: dict[str, list[Any]] = {}
    fixed: list[str] = []
    for override in overrides:
        if override.is_sweep_override():
            swept[override.get_key_element()] = [_as_typed(value) for value in override.sweep_iterator()]
        else:
            assert override.input_line is not None
            fixed.append(override.input_line)
    if not swept:
        raise UserError("nothing is swept: give a key several values, as in pooling=cls,masked_mean seed=0,1,2")
    monitor = next((item.split("=", 1)[1] for item in fixed if item.startswith("monitor=")), "val/accuracy")
    content = {
        "project": project,
        "method": method,
        "metric": {"name": monitor, "goal": "minimize" if monitor.endswith("loss") else "maximize"},
        "command": ["${env}", "poolsweep", "train", "logger=wandb", *fixed, "${args_no_hyphens}"],
        "parameters": {key: {"values": values} for key, values in swept.items()},
    }
    return _HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _as_typed(value: Any) -> Any:  # noqa: ANN401
    """A number, or what Hydra reads as the value: W&B's agents write ``key=`` and the value, in Python's words."""
    from hydra.core.override_parser.types import Override

    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else Override._get_value_element_as_str(value)
