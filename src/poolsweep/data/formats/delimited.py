"""csv and tsv, read as Python's csv module reads them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from poolsweep.data.formats.columns import Asked, Found, Rows, Sink
from poolsweep.data.formats.plain_text import LONGEST, open_text, read_line
from poolsweep.terminal.progress import Progress

_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?")  # Excel's own
_MOST_LABELS = 10_000  # a column with more is no label


@dataclass
class _Lines:
    """The physical lines of a file, with those that have been read since they were last forgotten."""

    asked: Asked
    file: TextIO
    characters: int = 0
    recent: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        while line := read_line(self.file, self.asked):
            self.characters += len(line)
            self.recent.append(line)
            yield line

    def take(self) -> list[str]:
        """The lines of the row that was read last."""
        taken, self.recent = self.recent, []
        return taken


@dataclass(frozen=True)
class _Dialect:
    delimiter: str
    quoting: int
    names_separator: bool

    def rows(self, lines: Iterator[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self.delimiter, quoting=self.quoting)  # type: ignore[arg-type]


class Delimited:
    """A csv or tsv file that is open; its first line that is not blank is the header.

    Attributes:
        header: Names of the columns.
        spanned: The lines of the file that the row read last stands in.
    """

    def __init__(self, asked: Asked, dialect: _Dialect, lines: _Lines) -> None:
        self.asked, self.dialect, self._lines = asked, dialect, lines
        self._records = (row for row in dialect.rows(iter(lines)) if len(row) > 1 or "".join(row).strip())
        if dialect.names_separator:
            next(self._records)
        self.header = next(self._records, [])
        asked.require(self.header)
        lines.take()
        self.places = [self.header.index(name) for name in asked.columns.values()]
        self.spanned: list[str] = []

    @property
    def characters(self) -> int:
        """How far it has been read."""
        return self._lines.characters

    def __iter__(self) -> Iterator[list[str]]:
        for row in self._records:
            self.spanned = self._lines.take()
            yield row

    def objection(self, row: list[str], number: int) -> str | None:
        """Why a row cannot be read, as the end of a sentence that begins with the file; None if it can.

        Args:
            row: The fields of the row read last.
            number: Number of the row, 1 = first after the header.
        """
        if max(self.places) < len(row) <= len(self.header):
            return None
        quoted = self.dialect.quoting == csv.QUOTE_MINIMAL
        return _wrong_count(row, number, self.header, self.spanned, quoted=quoted, option=self.asked.quoted_option)


@contextmanager
def open_delimited(asked: Asked) -> Iterator[Delimited]:
    """Open a csv or tsv file.

    A csv file whose header has no comma is read with semicolons or tabs, if the header has those: spreadsheets write
    them where the comma is the decimal sign. A first line ``sep=;`` says so itself.

    Args:
        asked: What is to be read.
    Raises:
        UserError: If a column is missing, or, while rows are read, if the file is no text.
    """
    csv.field_size_limit(LONGEST)
    dialect = _dialect(asked)
    with open_text(asked) as file:
        lines = _Lines(asked, file)
        try:
            yield Delimited(asked, dialect, lines)
        except csv.Error as error:
            raise asked.refuse(f": {error}, in the row after {lines.characters:,} characters") from error


def read_delimited(asked: Asked, sink: Sink) -> Found:
    """Read a csv or tsv file, as ``open_delimited`` does.

    Args:
        asked: What is to be read.
        sink: Gets the columns.
    Raises:
        UserError: If a column is missing, a row has more fields than the header or lacks one that is asked for, or the
            file is no text.
    """
    progress = Progress(f"reading {asked.path}", asked.path.stat().st_size)
    with open_delimited(asked) as file:
        label, text = (file.header.index(name) for name in (asked.label, asked.columns["text"]))
        swallowed = _Swallowed(file.dialect, len(file.header), label, label < text, asked.quoted_option)
        rows = Rows([*asked.columns], sink)
        for row in file:
            if (objection := file.objection(row, rows.count + 1)) is not None:
                raise asked.refuse(objection)
            if len(file.spanned) > 1:
                swallowed.look(rows.count + 1, file.spanned)
            if len(swallowed.labels) < _MOST_LABELS:
                swallowed.labels.add(row[swallowed.label])
            if rows.add(row[place] for place in file.places):
                progress.at(file.characters)
        rows.hand_on()
        return Found(cautions=swallowed.cautions())


def _dialect(asked: Asked) -> _Dialect:
    delimiter = "\t" if asked.path.suffix.lower() == ".tsv" else ","
    quoting = csv.QUOTE_MINIMAL if (delimiter == "," if asked.quoted is None else asked.quoted) else csv.QUOTE_NONE
    with open_text(asked) as file:
        first = next((line for line in iter(lambda: read_line(file, asked), "") if line.strip()), "")
    if said := _SEPARATOR_LINE.fullmatch(first):
        return _Dialect(said[1], quoting, names_separator=True)
    if delimiter == ",":
        with open_text(asked) as file:
            header = next(_Dialect(",", quoting, names_separator=False).rows(iter(_Lines(asked, file))), [])
        if len(header) == 1:
            delimiter = next((other for other in (";", "\t") if other in header[0]), delimiter)
    return _Dialect(delimiter, quoting, names_separator=False)


def _wrong_count(
    row: list[str], number: int, header: list[str], spanned: list[str], *, quoted: bool, option: str
) -> str:
    problem = f": row {number} has {len(row)} field{'s' * (len(row) != 1)}, and the header {len(header)}"
    if quoted and len(spanned) > 1:
        return f"{problem}; it holds {len(spanned)} lines of the file: is a quote left open? {_unquoted(option)}"
    if not quoted and any(field.startswith('"') for field in row):
        return f"{problem}; {option}true reads texts in double quotes, which may hold line breaks"
    return f"{problem}; a text that holds the separator stands in double quotes"


def _unquoted(option: str) -> str:
    return f'({option}false reads " as text)'


@dataclass
class _Swallowed:
    """Texts that hold lines of the file which look like rows: a stray quote opens them, and another closes them."""

    dialect: _Dialect
    fields: int
    label: int
    label_first: bool
    option: str
    labels: set[str] = field(default_factory=set)
    suspects: dict[int, list[str]] = field(default_factory=dict)

    def look(self, number: int, spanned: list[str]) -> None:
        """Note the labels of the lines within a row that have as many fields as the header.

        Where the label comes after the text, the last line of any text of several lines ends with a label.
        """
        within = spanned[1:] if self.label_first else spanned[1:-1]
        rows = [next(self.dialect.rows(iter([line])), []) for line in within]
        found = [row[self.label] for row in rows if len(row) == self.fields]
        if found:
            self.suspects[number] = found

    def cautions(self) -> tuple[str, ...]:
        """A sentence where such lines have labels of the file."""
        counts = {n: sum(name in self.labels for name in names) for n, names in self.suspects.items()}
        counts = {number: count for number, count in counts.items() if count}
        if not counts:
            return ()
        named = ", ".join(f"row {number} ({count} line{'s' * (count != 1)})" for number, count in [*counts.items()][:3])
        more = f" and {len(counts) - 3} more" if len(counts) > 3 else ""
        return (
            f"texts hold {sum(counts.values())} lines that look like rows of their own: {named}{more}; is a quote left "
            f"open there? {_unquoted(self.option)}",
        )
