"""JSON: an object a line, or one list of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from poolsweep.data.formats.columns import Asked
from poolsweep.data.formats.json_lines import Item, Written, json_items, plain_text
from poolsweep.errors import UserError, nearest
from poolsweep.predict.rows.window import RowFile, Window, full, window_of

_INTEGERS = range(-(2**63), 2**63)


@dataclass
class ObjectRows(RowFile):
    """Objects of a JSON file.

    Args:
        asked: The file and the keys that are read as texts.
        as_columns: Whether all keys become columns, for an output that has them; they are found in a pass over the
            file. Else each row stays the object that it is.
    """

    asked: Asked
    as_columns: bool
    _types: dict[str, pa.DataType] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.total = self.asked.path.stat().st_size
        if self.as_columns:
            self._types = _types_of(item.value for item in json_items(self.asked) if item.value is not None)
            missing = [name for name in self.asked.columns.values() if name not in self._types]
            if missing:
                raise self.refuse(f" has no column {missing[0]!r}; {nearest(missing[0], self._types)}")
        self.name_columns(list(self._types))  # in the order in which the file has them first; none of objects

    def windows(self, *, after: int) -> Iterator[Window]:
        """A few thousand objects at a time."""
        items: list[Item] = []
        texts: list[list[str | None]] = [[] for _ in self.asked.columns]
        numbers, characters, number = [], 0, 0
        for item in json_items(self.asked):
            number += 1
            self.done += len(item.raw) + 1
            if number <= after:
                continue
            if (found := self._texts(item, number)) is not None:
                items.append(item)
                numbers.append(number)
                characters += len(item.raw)
                for column, value in zip(texts, found, strict=True):
                    column.append(value)
            if full(number - after, characters):
                yield self._window(items, texts, numbers, end=number)
                items, texts, numbers, characters, after = [], [[] for _ in texts], [], 0, number
        if number > after:
            yield self._window(items, texts, numbers, end=number)

    def _texts(self, item: Item, number: int) -> list[str | None] | None:
        """The texts of an object; None where it cannot be read, which is told."""
        try:
            content = item.content
            lacking = next((name for name in self.asked.columns.values() if name not in content), None)
            if lacking is not None:
                self.on_bad_row(number, f"{item.where} has no {lacking!r}; {nearest(lacking, content)}")
                return None
            return [plain_text(content.get(name), name, item.where, self.asked) for name in self.asked.columns.values()]
        except UserError as error:
            self.on_bad_row(number, str(error).removeprefix(f"{self.where}: "))
            return None

    def _window(self, items: list[Item], texts: list[list[str | None]], numbers: list[int], *, end: int) -> Window:
        read = [pa.array(column, pa.string()) for column in texts]
        columns = self._columns(items) if self.as_columns else None
        objects = None if self.as_columns else [item.raw for item in items]
        return window_of(
            self, read[0], read[1] if len(read) > 1 else None, end=end, numbers=numbers, columns=columns,
            objects=objects,
        )  # fmt: skip

    def _columns(self, items: list[Item]) -> pa.RecordBatch:
        found = []
        for name, kind in self._types.items():
            values = [_as(kind, (item.value or {}).get(name), name, item) for item in items]
            found.append(pa.array(values, kind))
        return pa.record_batch(found, names=list(self._types))


def _types_of(rows: Iterator[dict[str, object]]) -> dict[str, pa.DataType]:
    """Key → the type that all of its values have; text where they differ, or are lists or objects."""
    kinds: dict[str, set[str]] = {}
    for row in rows:
        for key, value in row.items():
            kinds.setdefault(key, set()).add(_kind(value))
    return {key: _type(found - {"null"}) for key, found in kinds.items()}


def _kind(value: object) -> str:
    if isinstance(value, Written):
        is_integer = value.lstrip("-").isdecimal() and len(value) < 20 and int(value) in _INTEGERS
        return "integer" if is_integer else "number"
    if value is None:
        return "null"
    return "truth" if isinstance(value, bool) else "text"


def _type(kinds: set[str]) -> pa.DataType:
    if kinds == {"truth"}:
        return pa.bool_()
    if kinds == {"integer"}:
        return pa.int64()
    return pa.float64() if kinds and kinds <= {"integer", "number"} else pa.string()


def _as(kind: pa.DataType, value: Any, name: str, item: Item) -> Any:  # noqa: ANN401
    if value is None or isinstance(value, bool):
        return value if value is None or pa.types.is_boolean(kind) else str(value).lower()
    if pa.types.is_int64(kind):
        return int(value)
    if pa.types.is_float64(kind):
        return float(value)
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return json.dumps(json.loads(item.raw)[name], ensure_ascii=False).encode(errors="replace").decode()
