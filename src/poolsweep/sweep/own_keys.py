"""Keys that one kind of sweep alone reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from poolsweep.errors import UserError

_SWEEPS = ("race", "optuna")  # sections of a config, each read by the option of ``sweep`` with its name


def require_read(config: Mapping[Any, Any], *, sweep: str) -> None:
    """Refuse sections that the chosen kind of sweep does not read, and values in them that cannot be resolved.

    Args:
        config: Composed.
        sweep: Option of ``sweep``.
    Raises:
        UserError: With each of them.
    """
    unread = [key for key in _SWEEPS if key in config and sweep != key]
    if unread:
        raise UserError(*(f"{key} is read by sweep={key} alone, which must be given too" for key in unread))
    try:
        for key in filter(config.__contains__, _SWEEPS):
            OmegaConf.to_container(config[key], resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(str(error).strip().splitlines()[0]) from error
