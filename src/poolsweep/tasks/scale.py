"""The contract of scores: what a logit is in the units of the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from poolsweep.tasks.contract import Contract

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them

_LARGEST = 1e150  # its square is finite


@dataclass(frozen=True)
class Scale(Contract):
    """One score a text, with the mean and the spread of the training scores.

    Attributes:
        mean: Mean of the training scores.
        std: Their standard deviation, above 0.
        bounds: Lowest and highest score that can be predicted; None = any number.
    """

    mean: float
    std: float
    bounds: tuple[float, float] | None = None
    names = ("score",)

    @classmethod
    def of(cls, column: pa.ChunkedArray, *, bounds: tuple[float, float] | None) -> Scale:
        """Measure the numbers among the training scores; the others are refused by ``unknown``.

        Example:
            >>> Scale.of(pa.chunked_array([["1", "2", "3"]]), bounds=None)
            Scale(mean=2.0, std=0.816496580927726, bounds=None)
        """
        numbers = _numbers(column)
        numbers = numbers[np.isfinite(numbers)]
        if not len(numbers) or numbers.min() == numbers.max():
            return cls(float(numbers[0]) if len(numbers) else 0.0, 0.0, bounds)
        return cls(float(numbers.mean()), float(numbers.std()), bounds)

    @classmethod
    def read(cls, content: Any) -> Scale:  # noqa: ANN401
        """Read what a ``labels.json`` holds, which may be a stranger's.

        Raises:
            ValueError: If it is no scale.
        """
        if not isinstance(content, Mapping) or content.keys() != {"mean", "std", "bounds"}:
            raise ValueError("a scale has mean, std and bounds")
        bounds = content["bounds"]
        given = [content["mean"], content["std"], *(bounds if isinstance(bounds, list) else [])]
        if not all(type(one) in {int, float} and abs(one) <= _LARGEST for one in given) or given[1] <= 0:
            raise ValueError("mean and std must be finite, and std above 0")
        if bounds is not None and (len(given) != 4 or not given[2] < given[3]):
            raise ValueError("bounds must be two numbers, the lower one first")
        return cls(float(given[0]), float(given[1]), None if bounds is None else (float(given[2]), float(given[3])))

    def to_mapping(self) -> dict[str, Any]:
        """mean, std and bounds, the content of ``labels.json``."""
        return {"mean": self.mean, "std": self.std, "bounds": None if self.bounds is None else list(self.bounds)}

    def encode(self, column: pa.ChunkedArray) -> np.ndarray:
        """The scores in the units of the data; NaN where there is none.

        Shape:
            column (N,) string; returns (N,) float64.
        """
        return _numbers(column)

    def unknown(self, column: pa.ChunkedArray, *, where_seen: str) -> dict[str, tuple[str, str]]:
        """Values that are no finite number, or lie outside the bounds."""
        found = {}
        for value in pc.unique(column).to_pylist():
            if value and value.strip() and (why := self._why_none(value)) is not None:
                found[value] = (f"score {value!r}", why)
        return found

    def together(self, others: Sequence[Contract]) -> Scale:
        """Its own: each model gives scores in the units of the data, by its own scale.

        Raises:
            ValueError: If another has no scores.
        """
        if not all(isinstance(other, Scale) for other in others):
            raise ValueError("have other labels")
        return self

    def _why_none(self, value: str) -> str | None:
        number = parsed(value)
        if math.isnan(number):
            with_point = not math.isnan(parsed(value.replace(",", "."))) and "," in value
            return "is no finite number" + ("; the decimal separator is a point" if with_point else "")
        if self.bounds is not None and not self.bounds[0] <= number <= self.bounds[1]:
            return f"lies outside task.bounds=[{self.bounds[0]:g},{self.bounds[1]:g}]"
        return None


@lru_cache(maxsize=65536)
def parsed(value: str) -> float:
    """The number that a text writes; NaN where it writes none that is finite.

    Example:
        >>> parsed(" 2.50"), parsed("-1e3"), parsed("1_000"), parsed("inf"), parsed("2,5")
        (2.5, -1000.0, nan, nan, nan)
    """
    try:
        number = float(value)
    except ValueError:
        return math.nan
    return number if abs(number) <= _LARGEST and "_" not in value else math.nan


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    encoded = pc.dictionary_encode(pc.fill_null(column, "")).combine_chunks()
    values = np.array([parsed(value) for value in encoded.dictionary.to_pylist()], dtype=np.float64)
    return values[encoded.indices.to_numpy()] if len(values) else np.zeros(0)
