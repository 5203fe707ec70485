"""From what Hydra composed to plain containers."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import poolsweep.resolvers  # noqa: F401  the workers of every launcher have them
from poolsweep.config.shape import shape_problems
from poolsweep.errors import RefusedError, UserError

_OF_THE_SWEEP = {"hydra", "race"}  # they choose which runs are made, and are no part of any


def resolve(config: DictConfig) -> dict[str, Any]:
    """The config as plain containers, every interpolation resolved, without what is Hydra's or the sweep's.

    Raises:
        UserError: If a mandatory value is missing, an interpolation cannot be resolved, or a key is none.
    """
    try:
        missing = sorted(key for key in OmegaConf.missing_keys(config) if not key.startswith("hydra."))
        if missing:
            raise UserError(*(f"{key} must be given: {key}=…" for key in missing))
        part = OmegaConf.masked_copy(config, [str(key) for key in config if key not in _OF_THE_SWEEP])
        content = OmegaConf.to_container(part, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(str(error).strip().splitlines()[0]) from error
    assert isinstance(content, dict)
    resolved = {"logger": {}, "callbacks": {}} | {str(key): value for key, value in content.items()}  # ~logger: none
    if problems := shape_problems(resolved):
        raise RefusedError(*problems)
    return resolved
