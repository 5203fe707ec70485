"""A point of a sweep."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One combination of the swept values.

    Attributes:
        overrides: What Hydra composes its config from.
        name: The overrides that differ between points.
    """

    overrides: tuple[str, ...]
    name: str
