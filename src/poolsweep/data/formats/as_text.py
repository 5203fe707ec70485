"""Columns of any plain type as text, as pandas would write them to a csv file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyarrow import compute

from poolsweep.tasks.label_sets import as_list

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them

_BINARY = (
    pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary,
)  # fmt: skip


_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


class NoTextError(ValueError):
    """A column that holds something else than texts, numbers, dates or truth values.

    Attributes:
        row: The first of its rows that is no text, 0 = first of the column; None = all.
    """

    def __init__(self, reason: str, *, row: int | None = None) -> None:
        super().__init__(reason)
        self.row = row

    def at(self, start: int) -> str:
        """The reason, with the row where there is one.

        Args:
            start: The column's first row in the file.
        """
        return str(self) if self.row is None else f"{self} in row {start + self.row + 1}"


def as_text(column: pa.Array) -> pa.Array:
    """A column as strings; what is null, or no number where numbers stand, is null.

    Floats are written as Python writes them (``1.0``, ``0.1``), truth values as ``true`` and ``false``.

    Shape:
        column (N,) of any type; returns (N,) string.
    Raises:
        NoTextError: If there is no such text.
    Example:
        >>> as_text(pa.array([1.0, float("nan"), 0.1])).to_pylist()
        ['1.0', None, '0.1']
        >>> as_text(pa.array([7, None])).to_pylist()
        ['7', None]
    """
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return as_text(column.storage)
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode())
    if pa.types.is_run_end_encoded(kind):
        return as_text(pc.run_end_decode(column))
    if pa.types.is_floating(kind):
        return _floats(column)
    if any(is_kind(kind) for is_kind in _BINARY):
        return _bytes(column)
    if pa.types.is_nested(kind):
        raise NoTextError(f"must hold text, got {kind}")
    try:
        return column.cast(pa.string())
    except pa.ArrowException as error:
        raise NoTextError(f"must hold text, got {kind}") from error


def _floats(column: pa.Array) -> pa.Array:
    values = column.to_numpy(zero_copy_only=False)
    written = [None if value != value else str(value) for value in values]
    return pa.array(written, pa.string())


def _bytes(column: pa.Array) -> pa.Array:
    found: list[str | None] = []
    for row, value in enumerate(column.to_pylist()):
        try:
            found.append(None if value is None else value.decode())
        except UnicodeDecodeError as error:
            wrong = error.object[error.start]
            raise NoTextError(f"holds bytes that are not UTF-8 (0x{wrong:02x})", row=row) from error
    return pa.array(found, pa.string())


def label_text(column: pa.Array, names: tuple[str, ...] | None) -> pa.Array:
    """A label column as strings: class labels by name, and lists of labels as JSON.

    Args:
        column: Labels.
        names: Names of class labels, where the column holds their ids.
    Shape:
        column (N,) of any type; returns (N,) string.
    Raises:
        NoTextError: If there is no such text.
    Example:
        >>> label_text(pa.array([[1, 0], [], None]), ("joy", "fear")).to_pylist()
        ['["fear", "joy"]', '[]', None]
    """
    if isinstance(column, pa.ExtensionArray):
        return label_text(column.storage, names)
    if not any(is_kind(column.type) for is_kind in _LISTS):
        return as_text(column) if names is None else named(column, names)
    try:
        items = label_text(column.flatten(), names).to_pylist()
    except NoTextError as error:
        raise NoTextError(f"holds lists, and {error}") from error
    found, start = [], 0
    for row, count in enumerate(pc.list_value_length(column).to_pylist()):
        mine = items[start : start + (count or 0)]
        if None in mine:
            raise NoTextError("holds a label that is missing in the list", row=row)
        found.append(None if count is None else as_list(mine))
        start += count or 0
    return pa.array(found, pa.string())


def class_names(feature: Any) -> tuple[str, ...] | None:  # noqa: ANN401
    """The names of class labels, or of the items of lists; None where a column is of another kind.

    Args:
        feature: Column type of ``datasets``, or what it writes beside the schema of a parquet file.
    """
    inside = feature.get("feature") if isinstance(feature, Mapping) else getattr(feature, "feature", None)
    if inside is not None:
        return class_names(inside)
    if isinstance(feature, Mapping):
        names = feature.get("names") if feature.get("_type") == "ClassLabel" else None
    else:
        names = getattr(feature, "names", None)
    return None if names is None else tuple(map(str, names))


def named(ids: pa.Array, names: tuple[str, ...]) -> pa.Array:
    """Class labels by name; an id below 0 stands for a label that is hidden, and is null.

    Shape:
        ids (N,) integer; returns (N,) string.
    Raises:
        NoTextError: If an id has no name.
    """
    if not pa.types.is_integer(ids.type):
        raise NoTextError(f"must hold the ids of class labels, got {ids.type}")
    known: list[int | None] = []
    for row, i in enumerate(ids.to_pylist()):
        if i is not None and i >= len(names):
            raise NoTextError(f"holds the id {i}, and there are {len(names)} class labels:", row=row)
        known.append(i if i is not None and i >= 0 else None)
    return pa.array(names, pa.string()).take(pa.array(known, pa.int64()))
