"""What a reader is asked for, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pyarrow as pa
from annotated_types import Len
from pydantic import StringConstraints

from poolsweep.bounds import Described
from poolsweep.errors import UserError, nearest
from poolsweep.tasks.label_sets import as_list

ROWS_AT_ONCE = 8192
_MARKS = {"0": False, "0.0": False, "false": False, "1": True, "1.0": True, "true": True}
_CHARACTERS_AT_ONCE = 2**24

LabelColumns = Annotated[
    Annotated[str, StringConstraints(min_length=1)] | Annotated[list[str], Len(2)],
    Described("the name of a column, or a list of at least two, [joy,fear], of 0 and 1"),
]
Sink = Callable[[Mapping[str, pa.Array]], None]


@dataclass(frozen=True)
class Asked:
    """What is to be read of a file.

    Attributes:
        path: The file.
        where: How messages call it: ``data.train=reviews.csv``.
        columns: Standard name (``text``, ``text_pair``, ``label``) → name in the file. Where each label has a column of
            0 and 1, ``label/NAME`` → name in the file.
        quoted: Whether ``"`` quotes fields; None = as is usual for the format.
        quoted_option: What a user types before ``true`` or ``false`` to choose that.
    """

    path: Path
    where: str
    columns: Mapping[str, str]
    quoted: bool | None = None
    quoted_option: str = "data.quoted="

    @property
    def label(self) -> str:
        """Name in the file of the label column, or of the first of several."""
        return next(found for name, found in self.columns.items() if name.partition("/")[0] == "label")

    @property
    def names(self) -> tuple[str, ...]:
        """Standard names of what is read."""
        return tuple(dict.fromkeys(name.partition("/")[0] for name in self.columns))

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


def columns_of(text: str, text_pair: str | None, label: str | Sequence[str]) -> dict[str, str]:
    """The columns that are read of a file.

    Args:
        text: Name of the column with the text.
        text_pair: Name of the column with a second text, if each example is a pair.
        label: Name of the column with the label, or of several: one of 0 and 1 for each label.
    Example:
        >>> columns_of("text", None, ["joy", "fear"])
        {'text': 'text', 'label/joy': 'joy', 'label/fear': 'fear'}
    """
    labels = {"label": label} if isinstance(label, str) else {f"label/{name}": name for name in label}
    return {"text": text} | labels | ({"text_pair": text_pair} if text_pair else {})


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
            keys = (one.partition("/")[0] for one in (by_name[found], name))
            raise UserError(f"data.{next(keys)} and data.{next(keys)} name the same column {found!r}")
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


def marks_as_lists(asked: Asked, columns: Mapping[str, pa.Array], *, start: int) -> dict[str, pa.Array]:
    """Columns in which those of 0 and 1 are one: the list of the labels that a text has, null where one is missing.

    Args:
        asked: Says which columns there are.
        columns: Standard name → some rows of it, as text.
        start: Number of the first of these rows in the file.
    Raises:
        UserError: If one holds something else.
    """
    marks = [name for name in asked.columns if "/" in name]
    if not marks:
        return dict(columns)
    rows = [[*row] for row in zip(*(_marked(asked, name, columns[name], start) for name in marks), strict=True)]
    names = [name.partition("/")[2] for name in marks]
    lists = [
        None if None in row else as_list(name for name, mark in zip(names, row, strict=True) if mark) for row in rows
    ]
    kept = {name: values for name, values in columns.items() if "/" not in name}
    return kept | {"label": pa.array(lists, pa.string())}


def _marked(asked: Asked, name: str, column: pa.Array, start: int) -> list[bool | None]:
    found: list[bool | None] = []
    for row, value in enumerate(column.to_pylist()):
        short = (value or "").strip().lower()
        if short and short not in _MARKS:
            raise asked.refuse(
                f": column {asked.columns[name]!r} must hold 0 or 1, whether a text has this label, "
                f"got {value!r} in row {start + row + 1}"
            )
        found.append(_MARKS.get(short))
    return found
