"""JSON: an object a line, or one list of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from poolsweep.data.formats.columns import Asked, Found, Rows, Sink
from poolsweep.data.formats.plain_text import open_text, read_line
from poolsweep.terminal.progress import Progress

_FIRST_ROWS = 100  # whose keys are the columns that a message names


class _RepeatedKeyError(ValueError):
    """A key that an object has twice."""


def read_json_lines(asked: Asked, sink: Sink) -> Found:
    """Read objects, whose keys are the columns. Numbers stay as they are written: ``1``, ``1.0`` and ``1e3``.

    A key that an object lacks, ``null`` and ``NaN`` are missing values.

    Args:
        asked: What is to be read.
        sink: Gets the columns.
    Raises:
        UserError: If something is no object, or a column that is asked for holds lists or objects.
    """
    rows = Rows([*asked.columns], sink)
    found: set[str] = set()
    seen: list[str] = []
    for item, where in _items(asked):
        if not isinstance(item, dict):
            raise asked.refuse(f": {where} is no object: {_short(item)}")
        found |= asked.columns.values() & item.keys()
        if rows.count < _FIRST_ROWS:
            seen += [key for key in item if key not in seen]
        rows.add(_as_text(item.get(column), column, where, asked) for column in asked.columns.values())
    if rows.count:
        asked.require([*found, *(key for key in seen if key not in found)])
    rows.hand_on()
    return Found()


def _items(asked: Asked) -> Iterator[tuple[Any, str]]:
    """Every object, with its line or its place in the list."""
    progress = Progress(f"reading {asked.path}", asked.path.stat().st_size)
    with open_text(asked) as file:
        number, characters, begun = 0, 0, False
        while line := read_line(file, asked):
            number, characters = number + 1, characters + len(line)
            if not number % 10_000:
                progress.at(characters)
            if not line.strip():
                continue
            if not begun and line.lstrip().startswith("["):
                yield from _list(asked, line + file.read())
                return
            begun = True
            yield _parsed(line, f"line {number}", asked), f"line {number}"


def _list(asked: Asked, text: str) -> Iterator[tuple[Any, str]]:
    items = _parsed(text, "the file, which begins as a list,", asked)
    yield from ((item, f"item {i + 1}") for i, item in enumerate(items))


def _parsed(text: str, where: str, asked: Asked) -> Any:  # noqa: ANN401
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        hint = "; write an object a line" if text.strip() in {"{", "["} else ""
        raise asked.refuse(f": {where} is not JSON: {error.msg} at character {error.pos + 1}{hint}") from error
    except _RepeatedKeyError as error:
        raise asked.refuse(f": {where} has the key {str(error)!r} more than once") from error
    except RecursionError as error:
        raise asked.refuse(f": {where} is nested too deeply") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedKeyError(next(name for name in names if names.count(name) > 1))
    return found


def _constant(name: str) -> str | None:
    return None if name == "NaN" else name


def _as_text(value: Any, column: str, where: str, asked: Asked) -> str | None:  # noqa: ANN401
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, str):
        if value is not None and not value.isascii():
            _require_characters(value, column, where, asked)
        return value
    raise asked.refuse(f": column {column!r} must hold text, got {_short(value)} in {where}")


def _require_characters(value: str, column: str, where: str, asked: Asked) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        code = ord(value[error.start])
        raise asked.refuse(f": column {column!r} holds half a character (\\u{code:04x}) in {where}") from error


def _short(value: Any) -> str:  # noqa: ANN401
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 40 else f"{text[:40]}…"
