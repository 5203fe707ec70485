"""Text files that must be UTF-8, without NUL bytes, and in lines that fit into memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from poolsweep.data.formats.columns import Asked

LONGEST = 2**27  # characters of a line or a text; more is no text to classify
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@contextmanager
def open_text(asked: Asked) -> Iterator[TextIO]:
    """Open a file as it is on the disk, but for the byte order mark at its start.

    Raises:
        UserError: If it is not UTF-8, naming the line.
    """
    try:
        with asked.path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        raise asked.refuse(_not_utf8(asked)) from error


def read_line(file: TextIO, asked: Asked) -> str:
    """The next line with its end; empty at the end of the file.

    Raises:
        UserError: If it holds a NUL character, or is longer than any text.
    """
    line = file.readline(LONGEST)
    if "\0" in line:
        raise asked.refuse(" is no text file: it holds NUL bytes; text files must be UTF-8")
    if len(line) >= LONGEST:
        raise asked.refuse(f" has a line of more than {LONGEST:,} characters")
    return line


def _not_utf8(asked: Asked) -> str:
    with asked.path.open("rb") as file:
        start = file.read(2)
        if start in _UTF16:
            return " is UTF-16 text; save it as UTF-8"
        file.seek(0)
        number = 0
        while line := file.readline(LONGEST):
            number += 1
            try:
                line.decode()
            except UnicodeDecodeError as error:
                wrong = line[error.start]
                return f" is not UTF-8 text: byte 0x{wrong:02x} in line {number}; save it as UTF-8"
    return " is not UTF-8 text; save it as UTF-8"
