"""A combination of swept values, and what must hold of the command that asks for it; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from poolsweep.errors import UserError

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

_SECTIONS = ("race", "optuna")  # keys of a config, each read by the option of ``sweep`` with its name


@dataclass(frozen=True)
class Combination:
    """One combination of the swept values, which makes one run.

    Attributes:
        overrides: What Hydra composes its config from.
        name: The overrides that differ between combinations.
        matched: Those overrides by which a pattern such as ``glob(*)`` chose the pooling.
    """

    overrides: tuple[str, ...]
    name: str
    matched: tuple[str, ...] = ()


def require_values(overrides: Iterable[Override]) -> None:
    """Refuse a sweep over nothing, such as a pattern that no option matches.

    Raises:
        UserError: With each of them.
    """
    lists = [override for override in overrides if override.is_sweep_override() and not override.is_interval_sweep()]
    if empty := [override.input_line for override in lists if next(override.sweep_string_iterator(), None) is None]:
        raise UserError(*(f"{typed} stands for no value at all, so there is nothing to run" for typed in empty))


def require_read(config: Mapping[Any, Any], *, sweep: str) -> None:
    """Refuse sections that the chosen kind of sweep does not read, and values in them that cannot be resolved.

    Args:
        config: Composed.
        sweep: Option of ``sweep``.
    Raises:
        UserError: With each of them.
    """
    present = [key for key in _SECTIONS if key in config]
    if unread := [key for key in present if key != sweep]:
        raise UserError(*(f"{key} is read by sweep={key} alone, which must be given too" for key in unread))
    try:
        for key in present:
            OmegaConf.to_container(config[key], resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(str(error).strip().splitlines()[0]) from error
