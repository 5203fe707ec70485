"""csv and jsonl."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import compute

from poolsweep.data.formats.as_text import NoTextError, as_text
from poolsweep.errors import UserError
from poolsweep.predict.output.sink import Sink, Target
from poolsweep.predict.rows.window import Window

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them


class CsvSink(Sink):
    """Comma-separated, with a header; fields are what they were in the input, to the character."""

    holds_lists = False

    def write(self, file: Target, window: Window, answers: Mapping[str, pa.Array]) -> None:
        """A line per row."""
        assert window.columns is not None
        columns = dict(zip(window.columns.schema.names, window.columns.columns, strict=True)) | dict(answers)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        careful = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
        if file.tell() == 0:
            _row(list(columns), writer, careful)
        for row in zip(*(_fields(column) for column in columns.values()), strict=True):
            _row(row, writer, careful)
        file.write(text.getvalue().encode("utf-8", "surrogatepass"))


class JsonlSink(Sink):
    """An object a line; objects of the input stay as they are written there."""

    def write(self, file: Target, window: Window, answers: Mapping[str, pa.Array]) -> None:
        """A line per row."""
        new = _objects(answers, len(window))
        if window.objects is None:
            assert window.columns is not None
            columns = dict(zip(window.columns.schema.names, window.columns.columns, strict=True))
            lines = [_dumped(kept | added) for kept, added in zip(_objects(columns, len(window)), new, strict=True)]
        else:
            lines = [_extended(kept, added) for kept, added in zip(window.objects, new, strict=True)]
        file.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))


def joined(columns: Mapping[str, pa.Array], separator: str) -> dict[str, pa.Array]:
    """Columns whose lists of names are written as one text.

    Args:
        columns: Name → column.
        separator: Stands between two names.
    Example:
        >>> joined({"predicted": pa.array([["fear", "joy"], []])}, "|")["predicted"].to_pylist()
        ['fear|joy', '']
    """
    return {name: pc.binary_join(one, separator) if _is_names(one.type) else one for name, one in columns.items()}


def _is_names(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) and pa.types.is_string(kind.value_type)


def _row(row: Sequence[str | None], writer: Any, careful: Any) -> None:  # noqa: ANN401
    """Write a row; csv before Python 3.13 leaves a lone carriage return unquoted, which ends a row for readers."""
    has_return = any(field is not None and "\r" in field for field in row)
    (careful if has_return else writer).writerow(row)


def _fields(column: pa.Array) -> list[str | None]:
    try:
        return as_text(column).to_pylist()
    except NoTextError:
        return [None if value is None else _as_field(value) for value in column.to_pylist()]


def _as_field(value: Any) -> str:  # noqa: ANN401
    return _plain(value) if isinstance(value, bytes) else _dumped(value)


def _objects(columns: Mapping[str, pa.Array], rows: int) -> list[dict[str, Any]]:
    values = [_without_nan(column).to_pylist() for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)] if values else [{}] * rows


def _without_nan(column: pa.Array) -> pa.Array:
    """Numbers as they are written shortest; JSON has no NaN and no infinity."""
    if not pa.types.is_floating(column.type):
        return column
    if column.type != pa.float64():  # 0.1 of float32 is 0.10000000149 of float64
        column = column.cast(pa.string()).cast(pa.float64())
    return pc.if_else(pc.is_finite(column), column, None)


def _extended(raw: str, added: Mapping[str, object]) -> str:
    """An object as it is written, with more keys at its end."""
    clash = next((name for name in added if f'"{name}"' in raw and name in json.loads(raw)), None)
    if clash is not None:
        raise UserError(f"the input has a key {clash!r} already; --prefix puts something before the names of new ones")
    body = raw[:-1].rstrip()
    return f"{body}{'' if body == '{' else ', '}{_dumped(added)[1:]}"


def _dumped(value: Any) -> str:  # noqa: ANN401
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
