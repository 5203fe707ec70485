"""Texts and labels as Python has them, as columns of text: what a file with the same content would be read as."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from poolsweep.data.formats.as_text import NoTextError, as_text, class_names, label_text
from poolsweep.errors import UserError, nearest

_TAKEN = "a data frame, a datasets.Dataset, a dict of columns, a list of dicts, a pair (texts, labels) or a path"


@dataclass(frozen=True)
class Columns:
    """Columns of texts and labels.

    Attributes:
        values: Name → the column as strings, null where a value is missing.
        label_names: Label names in the order of their ids, where the data have one.
    """

    values: Mapping[str, pa.Array]
    label_names: tuple[str, ...] | None = None


def read_columns(given: Any, names: Sequence[str], *, label: str | None, where: str) -> Columns:  # noqa: ANN401
    """Take the columns that are asked for.

    Args:
        given: A pandas, polars or Arrow table, ``datasets.Dataset``, dict of columns, list of dicts or pair.
        names: Names of the columns; of a pair, what its columns are called.
        label: Name of the column with labels among them; None = there is none.
        where: Name of the data in messages: ``train``.
    Raises:
        UserError: If it is none of these, a column is missing, or one holds something else than text.
    """
    features = getattr(given, "features", None)
    table = _table(given, names, where=where)
    if lacking := [name for name in names if name not in table]:
        raise UserError(*(f"{where} has no column {name!r}; {nearest(name, table)}" for name in lacking))
    classes = class_names(features[label]) if features is not None and label is not None else None
    found = {}
    for name in names:
        reads = partial(label_text, names=classes) if name == label else as_text
        found[name] = _as_text(table[name], f"{where}: column {name!r}", reads)
    lengths = {name: len(column) for name, column in found.items()}
    if len(set(lengths.values())) > 1:
        raise UserError(f"{where}: columns differ in length: " + ", ".join(f"{n} {k}" for n, k in lengths.items()))
    return Columns(found, classes)


def _table(given: Any, names: Sequence[str], *, where: str) -> Mapping[str, Any]:  # noqa: ANN401
    """Name → column, of whatever was given."""
    if isinstance(given, Mapping):
        return {str(name): column for name, column in given.items()}
    if (
        isinstance(given, tuple)
        and len(given) == len(names)
        and not any(isinstance(one, (str, Mapping)) for one in given)
    ):
        return dict(zip(names, given, strict=True))
    if isinstance(given, Sequence) and not isinstance(given, str) and all(isinstance(row, Mapping) for row in given):
        known = dict.fromkeys(str(key) for row in given for key in row)
        return {name: [row.get(name) for row in given] for name in known}
    return _of_library(given, where=where)


def _of_library(given: Any, *, where: str) -> Mapping[str, Any]:  # noqa: ANN401
    if hasattr(given, "iloc") and hasattr(given, "columns"):  # pandas, whose columns may hold values of several types
        return _by_name(list(given.columns), lambda place: given.iloc[:, place], where=where)
    if hasattr(given, "with_format") and hasattr(given, "column_names"):  # datasets, rows of which may be selected
        given = given.with_format("arrow")[:]
    if hasattr(given, "__arrow_c_stream__"):
        table = pa.table(given)
        return _by_name(table.column_names, table.column, where=where)
    raise UserError(f"{where} must be {_TAKEN}, got {type(given).__name__}")


def _by_name(names: Sequence[Any], column: Any, *, where: str) -> dict[str, Any]:  # noqa: ANN401
    known = [str(name) for name in names]
    if twice := sorted({name for name in known if known.count(name) > 1}):
        raise UserError(f"{where} has the column {twice[0]!r} more than once")
    return {name: column(place) for place, name in enumerate(known)}


def _as_text(column: Any, where: str, reads: Callable[[pa.Array], pa.Array]) -> pa.Array:  # noqa: ANN401
    if isinstance(column, str) or not (hasattr(column, "__len__") or hasattr(column, "__iter__")):
        raise UserError(f"{where} must hold a value for each row, got {type(column).__name__}")
    try:
        return reads(_array(column))
    except NoTextError as error:
        raise UserError(f"{where} {error.at(0)}") from error


def _array(column: Any) -> pa.Array:  # noqa: ANN401
    try:
        found = column if isinstance(column, (pa.Array, pa.ChunkedArray)) else pa.array(column, from_pandas=True)
    except (pa.ArrowException, UnicodeEncodeError, TypeError, ValueError, OverflowError):  # several types in one column
        return pa.array([_value(value, row) for row, value in enumerate(column)], pa.string())
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _value(value: Any, row: int) -> str | None:  # noqa: ANN401
    """One value as text, in the way of ``as_text``."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise NoTextError("holds half a character", row=row) from error
        return value
    try:
        return as_text(pa.array([value], from_pandas=True))[0].as_py()
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise NoTextError(f"must hold text, got {type(value).__name__}", row=row) from error
