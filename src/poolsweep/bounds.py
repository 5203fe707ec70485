"""Types of numbers that have bounds, for signatures whose arguments a config gives.

A config is checked against them before anything is built; a caller in a notebook reads them as int and float.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat

__all__ = [
    "Decay", "Described", "NonNegativeFloat", "NonNegativeInt", "PositiveFloat", "PositiveInt", "Probability", "Seed",
    "Share",
]  # fmt: skip

PositiveInt = Annotated[int, Interval(ge=1)]
Share = Annotated[float, Interval(ge=0, le=1)]
Probability = Annotated[float, Interval(ge=0, lt=1)]  # of dropping something, or a share that leaves something: below 1
Decay = Annotated[float, Interval(gt=0, le=1)]  # a factor from one to the next
Seed = Annotated[int, Interval(ge=0, lt=2**32)]  # what the generators of NumPy and of torch both take


@dataclass(frozen=True)
class Described:
    """Stands in an ``Annotated`` type: what a message says instead of the type.

    Attributes:
        words: After "must be".
    """

    words: str
