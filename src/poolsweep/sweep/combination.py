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
        varied: Those overrides that differ between combinations.
        matched: Those overrides whose value a pattern such as ``glob(*)`` chose.
        origin: Place where its grid was read, for messages; empty for the command line.
    """

    overrides: tuple[str, ...]
    varied: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()
    origin: str = ""

    @property
    def name(self) -> str:
        """What a person calls its run."""
        return " ".join(self.varied)

    @property
    def asked_for(self) -> frozenset[str]:
        """What was named, rather than matched: its values, and the grid that it is of."""
        return frozenset(self.varied) - frozenset(self.matched) | {self.origin}


def require_values(overrides: Iterable[Override]) -> None:
    """Refuse a sweep over nothing, such as a pattern that no option matches.

    Raises:
        UserError: With each of them.
    """
    lists = [override for override in overrides if override.is_sweep_override() and not override.is_interval_sweep()]
    if empty := [override.input_line for override in lists if next(override.sweep_string_iterator(), None) is None]:
        raise UserError(*(f"{typed} stands for no value at all, so there is nothing to run" for typed in empty))


def sweep_options(config: Mapping[Any, Any], *, sweep: str) -> dict[str, Any]:
    """The keys that one kind of sweep reads, resolved; those of the other kinds are refused.

    Args:
        config: Composed.
        sweep: Option of ``sweep``.
    Raises:
        UserError: If the config has a section that is not read, or one that cannot be.
    """
    if unread := [key for key in _SECTIONS if key in config and key != sweep]:
        raise UserError(*(f"{key} is read by sweep={key} alone, which must be given too" for key in unread))
    if sweep not in _SECTIONS:
        return {}
    if sweep not in config:
        raise UserError(f"hydra/sweeper={sweep} lacks its keys; choose it by sweep={sweep}")
    try:
        options = OmegaConf.to_container(config[sweep], resolve=True) if OmegaConf.is_dict(config[sweep]) else None
    except OmegaConfBaseException as error:
        raise UserError(str(error).strip().splitlines()[0]) from error
    if not isinstance(options, dict):
        raise UserError(f"{sweep} must be its keys, {sweep}.KEY=…, got {config[sweep]!r}")
    return {str(key): value for key, value in options.items()}
