"""A point of a sweep, and that there is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poolsweep.errors import UserError

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override


@dataclass(frozen=True)
class Point:
    """One combination of the swept values.

    Attributes:
        overrides: What Hydra composes its config from.
        name: The overrides that differ between points.
        matched: Those overrides by which a pattern such as ``glob(*)`` chose the pooling.
    """

    overrides: tuple[str, ...]
    name: str
    matched: tuple[str, ...] = ()


def require_values(overrides: Iterable[Override]) -> None:
    """Refuse what is swept over nothing: a pattern that no option matches, say.

    Raises:
        UserError: With each of them.
    """
    lists = [override for override in overrides if override.is_sweep_override() and not override.is_interval_sweep()]
    if empty := [override.input_line for override in lists if next(override.sweep_string_iterator(), None) is None]:
        raise UserError(*(f"{typed} stands for no value at all, so there is nothing to run" for typed in empty))
