"""What a reader is asked for, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from poolsweep.errors import UserError, nearest

ROWS_AT_ONCE = 8192
_CHARACTERS_AT_ONCE = 2**24

Sink = Callable[[Mapping[str, pa.Array]], None]


@dataclass(frozen=True)
class Asked:
    """What is to be read of a file.

    Attributes:
        path: The file.
        where: How messages call it: ``data.train=reviews.csv``.
        columns: Standard name (``text``, ``text_pair``, ``label``) → name in the file.
        quoted: Whether ``"`` quotes fields; None = as is usual for the format.
        quoted_option: What a user types before ``true`` or ``false`` to choose that.
    """

    path: Path
    where: str
    columns: Mapping[str, str]
    quoted: bool | None = None
    quoted_option: str = "data.quoted="

    def refuse(self, problem: str) -> UserError:
        """An error of this file."""
        return UserError(f"{self.where}{problem}")

    def require(self, names: Sequence[str]) -> None:
        """Check that each column that is asked for is there, once; others may be called as they like.

        Args:
            names: Names of the file's columns.
        Raises:
            UserError: If one is missing, or two have its name.
        """
        problems = [
            f"{self.where} has the column {name!r} more than once"
            if name in names
            else f"{self.where} has no column {name!r}; {nearest(name, {n for n in names if n.strip()})}"
            for name in self.columns.values()
            if names.count(name) != 1
        ]
        if problems:
            raise UserError(*problems)


def require_different(columns: Mapping[str, str]) -> None:
    """Check that no column is read as two things.

    Args:
        columns: Standard name → name in the file.
    Raises:
        UserError: If two have one name.
    """
    by_name: dict[str, str] = {}
    for name, found in columns.items():
        if found in by_name:
            raise UserError(f"data.{by_name[found]} and data.{name} name the same column {found!r}")
        by_name[found] = name


@dataclass(frozen=True)
class Found:
    """What a file says beside its rows.

    Attributes:
        label_names: In the order of their ids, where the file has one.
        cautions: What a user should know of how it was read.
    """

    label_names: tuple[str, ...] | None = None
    cautions: tuple[str, ...] = ()


@dataclass
class Rows:
    """Collects rows of texts and hands them on, so that memory does not grow with the file.

    Attributes:
        names: Standard names of the columns.
        sink: Gets the columns of a few thousand rows.
        count: Rows so far.
    """

    names: Sequence[str]
    sink: Sink
    count: int = 0
    _columns: list[list[str | None]] = field(default_factory=list)
    _characters: int = 0

    def add(self, values: Iterable[str | None]) -> bool:
        """Add a row, its values in the order of ``names``; True when rows were handed on."""
        self._columns = self._columns or [[] for _ in self.names]
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)
            self._characters += len(value) if value else 0
        self.count += 1
        full = len(self._columns[0]) >= ROWS_AT_ONCE or self._characters >= _CHARACTERS_AT_ONCE
        if full:
            self.hand_on()
        return full

    def hand_on(self) -> None:
        """Hand on what is left."""
        if self._columns and self._columns[0]:
            arrays = {n: pa.array(c, pa.string()) for n, c in zip(self.names, self._columns, strict=True)}
            self.sink(arrays)
        self._columns, self._characters = [], 0
