"""JSON: an object a line, or one list of objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from poolsweep.data.formats.columns import Asked, Found, Rows, Sink
from poolsweep.data.formats.plain_text import LONGEST, open_text, read_line
from poolsweep.errors import UserError
from poolsweep.tasks.label_sets import as_list
from poolsweep.terminal.progress import Progress

_CHARACTERS_AT_ONCE = 2**20
_LONGEST_WORD = 16  # characters of JSON that may be cut at the end of a part of a file: false, \u1234
_SPACE = re.compile(r"[ \t\n\r]*")
_FIRST_ROWS = 100  # whose keys are the columns that a message names


class _RepeatedKeyError(ValueError):
    """A key that an object has twice."""


class Written(str):
    """A number as it stands in the file."""

    __slots__ = ()


@dataclass(frozen=True)
class Item:
    """One object of a file, or what stands in its place.

    Attributes:
        where: Line of the object, or place in the list.
        raw: Text of the object as it is written, in one line.
        value: What it holds, numbers as ``Written``; None where it cannot be read.
        problem: Why it cannot be read.
    """

    where: str
    raw: str
    value: dict[str, Any] | None
    problem: UserError | None = None

    @property
    def content(self) -> dict[str, Any]:
        """What it holds.

        Raises:
            UserError: If it cannot be read.
        """
        if self.value is None:
            raise self.problem or UserError(f"{self.where} is no object")
        return self.value


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
    progress, characters = Progress(f"reading {asked.path}", asked.path.stat().st_size), 0
    for item in json_items(asked):
        content, characters = item.content, characters + len(item.raw)
        found |= asked.columns.values() & content.keys()
        if rows.count < _FIRST_ROWS:
            seen += [key for key in content if key not in seen]
        if rows.add(_text(name, content.get(column), item, asked) for name, column in asked.columns.items()):
            progress.at(characters)
    if rows.count:
        asked.require([*found, *(key for key in seen if key not in found)])
    rows.hand_on()
    return Found()


def json_items(asked: Asked) -> Iterator[Item]:
    """Every object of a file, one after the other; of a list only a part is in memory at a time.

    Args:
        asked: What is to be read.
    Raises:
        UserError: If the file is no text, or a list that is not JSON.
    """
    with open_text(asked) as file:
        number, begun = 0, False
        while line := read_line(file, asked):
            number += 1
            if not line.strip():
                continue
            if not begun and line.lstrip().startswith("["):
                yield from _List(asked, file, line.lstrip()[1:])
                return
            begun = True
            yield _line(line, f"line {number}", asked)


def _line(line: str, where: str, asked: Asked) -> Item:
    raw = line.strip()
    try:
        value = _DECODER.decode(raw)
    except (ValueError, RecursionError) as error:
        return Item(where, raw, None, asked.refuse(_why_not(error, where, raw)))
    return _item(value, where, raw, asked)


def _item(value: Any, where: str, raw: str, asked: Asked) -> Item:  # noqa: ANN401
    if isinstance(value, dict):
        return Item(where, raw, value)
    return Item(where, raw, None, asked.refuse(f": {where} is no object: {_short(value)}"))


class _List:
    """The objects of one list, decoded as the file is read."""

    def __init__(self, asked: Asked, file: TextIO, begun: str) -> None:
        self._asked, self._file, self._text, self._at = asked, file, begun, 0

    def __iter__(self) -> Iterator[Item]:
        number = 0
        if self._mark() == "]":
            self._at += 1
        else:
            while True:
                number += 1
                yield self._next(f"item {number}")
                mark = self._mark()
                self._at += 1
                if mark == "]":
                    break
                if mark != ",":
                    raise self._refuse(f"Expecting ',' after item {number}")
        if self._mark():
            raise self._refuse("Extra data behind the list")

    def _next(self, where: str) -> Item:
        self._mark()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos > len(self._text) - _LONGEST_WORD
                if cut and len(self._text) < LONGEST and self._more():
                    continue
                raise self._refuse(f"{error.msg} in {where}") from error
            except (ValueError, RecursionError) as error:
                raise self._asked.refuse(_why_not(error, where, "")) from error
            raw, self._at = self._text[self._at : end], end
            return _item(value, where, raw.replace("\n", " ").replace("\r", " "), self._asked)

    def _mark(self) -> str:
        """The next character that is no white space; empty at the end of the file."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _more(self) -> bool:
        read = self._file.read(_CHARACTERS_AT_ONCE)
        self._text, self._at = self._text[self._at :] + read, 0
        return bool(read)

    def _refuse(self, reason: str) -> UserError:
        return self._asked.refuse(f": the file, which begins as a list, is not JSON: {reason}")


def _why_not(error: Exception, where: str, raw: str) -> str:
    """Why an object cannot be read."""
    if isinstance(error, _RepeatedKeyError):
        return f": {where} has the key {str(error)!r} more than once"
    if isinstance(error, RecursionError):
        return f": {where} is nested too deeply"
    hint = "; write an object a line" if raw in {"{", "["} else ""
    said = f"{error.msg} at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else str(error)
    return f": {where} is not JSON: {said}{hint}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedKeyError(next(name for name in names if names.count(name) > 1))
    return found


def _constant(name: str) -> Written | None:
    return None if name == "NaN" else Written(name)


_DECODER = json.JSONDecoder(parse_int=Written, parse_float=Written, parse_constant=_constant, object_pairs_hook=_object)


def _text(name: str, value: Any, item: Item, asked: Asked) -> str | None:  # noqa: ANN401
    """A value as text; of labels, a list as JSON."""
    column = asked.columns[name]
    if name != "label" or not isinstance(value, list):
        return plain_text(value, column, item.where, asked)
    labels = [plain_text(one, column, item.where, asked) for one in value]
    if None in labels:
        raise asked.refuse(f": column {column!r} holds a label that is missing in the list in {item.where}")
    return as_list(label for label in labels if label is not None)


def plain_text(value: Any, column: str, where: str, asked: Asked) -> str | None:  # noqa: ANN401
    """A value as text; None where it is missing.

    Args:
        value: Value of a key of a decoded object.
        column: Name of the key.
        where: Line of the object, or place in the list.
        asked: The file.
    Raises:
        UserError: If it is a list or an object, or holds half a character.
    """
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
