"""The label contract: logit i is label id i, and labels.json says which name that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from poolsweep.errors import UserError, nearest
from poolsweep.tasks.contract import Contract
from poolsweep.tasks.temperature import mean_temperature, read_temperature

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them


@dataclass(frozen=True)
class Labels(Contract):
    """Label names in the order of their ids, with the temperature of their probabilities.

    Attributes:
        names: ``names[i]`` is the label of logit i.
        temperature: Number that logits are divided by.
    """

    names: tuple[str, ...]
    temperature: float = 1.0

    @classmethod
    def from_names(cls, found: Iterable[str]) -> Labels:
        """Sort label names: numeric names numerically, others by code point.

        Example:
            >>> Labels.from_names(["10", "9", "-1"]).names
            ('-1', '9', '10')
            >>> Labels.from_names(["b", "10", "9", "b"]).names
            ('10', '9', 'b')
        """
        names = set(found)
        if all(_is_number(name) for name in names):
            return cls(tuple(sorted(names, key=lambda name: (float(name), name))))
        return cls(tuple(sorted(names)))

    @classmethod
    def given(cls, names: Sequence[str]) -> Labels:
        """Names in the order of their ids.

        Raises:
            UserError: If one is there more than once.
        """
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise UserError(f"data.labels has {twice[0]!r} more than once")
        return cls(tuple(names))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, int]) -> Labels:
        """Read the content of a ``labels.json``.

        Raises:
            ValueError: If the ids are not 0, 1, 2, … once each.
        """
        if sorted(mapping.values()) != list(range(len(mapping))):
            raise ValueError(f"label ids must be 0 to {len(mapping) - 1}, once each, got {sorted(mapping.values())}")
        return cls(tuple(sorted(mapping, key=lambda name: mapping[name])))

    @classmethod
    def read(cls, content: Any) -> Labels:  # noqa: ANN401
        """Read what a ``labels.json`` holds, which may be a stranger's.

        Raises:
            ValueError: If it is no mapping of names to the ids 0, 1, 2, …, or has no temperature above 0 beside one.
        """
        labels, temperature = content, 1
        if isinstance(content, dict) and isinstance(content.get("labels"), dict):  # a label of that name has an id
            labels, temperature = content["labels"], content.get("temperature")
        if not isinstance(labels, dict) or not all(type(label_id) is int for label_id in labels.values()):
            raise ValueError("labels must be names with their ids")
        return replace(cls.from_mapping(labels), temperature=read_temperature(temperature))

    def to_mapping(self) -> dict[str, Any]:
        """The content of ``labels.json``: name → id, and beside it the temperature if there is one."""
        labels = {name: i for i, name in enumerate(self.names)}
        return labels if self.temperature == 1 else {"labels": labels, "temperature": self.temperature}

    def together(self, others: Sequence[Contract]) -> Labels:
        """The same names with the mean of the temperatures.

        Raises:
            ValueError: If the names differ.
        """
        if any(other.names != self.names for other in others):
            raise ValueError("have other labels")
        return replace(self, temperature=mean_temperature([self, *others]))

    def encode(self, column: pa.ChunkedArray) -> np.ndarray:
        """Label ids of a column of names; -1 where the name is unknown.

        Shape:
            column (N,) string; returns (N,) int64.
        """
        ids = pc.fill_null(pc.index_in(column, value_set=pa.array(self.names, pa.string())), -1)
        return ids.to_numpy().astype(np.int64)

    def unknown(self, column: pa.ChunkedArray, *, where_seen: str) -> dict[str, tuple[str, str]]:
        """Names that the contract does not have, each with the nearest that it has."""
        found = [name for name in pc.unique(column).to_pylist() if name and name.strip() and name not in self.names]
        return {name: (f"label {name!r}", f"is not in {where_seen}; {nearest(name, self.names)}") for name in found}


def names_as_read(given: Sequence[str | int | float | bool], found: Collection[str]) -> tuple[str, ...]:
    """Label names of a config as the texts that a column's values are read as.

    Args:
        given: A truth value stands for whichever spelling of it is found.
        found: The names in the column.
    Example:
        >>> names_as_read(["a", 1, 2.0, True], {"a", "1", "2.0", "True"})
        ('a', '1', '2.0', 'True')
        >>> names_as_read([False, True], {"true", "false"})
        ('false', 'true')
    """
    return tuple(_truth(name, found) if isinstance(name, bool) else str(name) for name in given)


def _truth(value: bool, found: Collection[str]) -> str:
    lower = str(value).lower()
    return next((name for name in (lower, lower.title(), lower.upper()) if name in found), lower)


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return name.strip().lower() not in {"nan", "inf", "-inf", "infinity", "-infinity"}
