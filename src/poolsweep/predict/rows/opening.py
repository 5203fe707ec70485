"""Finds the reader of a file by its ending, and what identifies its content."""

from __future__ import annotations

import sys
from pathlib import Path

import xxhash

from poolsweep.data.formats.columns import Asked
from poolsweep.data.sources.files import require_file
from poolsweep.errors import UserError
from poolsweep.files.hashing import file_hash
from poolsweep.predict.rows.delimited import DelimitedRows
from poolsweep.predict.rows.lines import Lines
from poolsweep.predict.rows.objects import ObjectRows
from poolsweep.predict.rows.parquet import ParquetRows
from poolsweep.predict.rows.window import OnBadRow, RowFile


def open_rows(
    given: str,
    *,
    text: str,
    text_pair: str | None,
    quoted: bool | None = None,
    objects: bool = False,
    on_bad_row: OnBadRow,
    option: str = "--input",
) -> RowFile:
    """Open a file of texts.

    Args:
        given: A path, or ``-`` for plain lines of standard input.
        text: Name of the column with the text.
        text_pair: Name of the column with the second text; None where texts are single.
        quoted: Whether ``"`` quotes fields; None = in csv, but not in tsv.
        objects: Whether rows of a JSON file may stay objects.
        on_bad_row: Function that is told of every row that is left out; it may raise.
        option: What the user named it by.
    Raises:
        UserError: If there is no such file, or it lacks a column.
    """
    if given == "-":
        if text_pair is not None:
            raise UserError(f"{option}=- is one text a line, and the model reads pairs: give a file with {text_pair!r}")
        return Lines(None, f"{option}=-", text, None, on_bad_row, sys.stdin.buffer)
    if text == text_pair:
        raise UserError(f"--text and --text-pair name the same column {text!r}")
    columns = {"text": text} | ({} if text_pair is None else {"text_pair": text_pair})
    asked = Asked(Path(given), f"{option}={given}", columns, quoted, "--quoted ")
    path = require_file(asked).path
    common = (path, asked.where, text, text_pair, on_bad_row)
    try:
        match path.suffix.lower():
            case ".parquet":
                return ParquetRows(*common, asked)
            case ".json" | ".jsonl":
                return ObjectRows(*common, asked, as_columns=not objects)
            case _:
                return DelimitedRows(*common, asked)
    except OSError as error:
        raise asked.refuse(f" cannot be read: {error.strerror or error}") from error


def content_of(rows: RowFile) -> str | None:
    """A hash of a file's content and of how it is read; None of what can be read only once."""
    if rows.path is None:
        return None
    parts = [file_hash(rows.path), rows.path.suffix.lower(), rows.text, rows.text_pair, rows.names]
    return xxhash.xxh3_128_hexdigest(repr(parts).encode("utf-8", "surrogatepass"))
