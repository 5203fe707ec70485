"""A point of a sweep."""

from __future__ import annotations

from dataclasses import dataclass


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
