"""Data frames as files that ``data=files`` reads, written once for each content."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xxhash

from poolsweep.api.columns import Columns, read_columns
from poolsweep.errors import UserError
from poolsweep.files.hashing import file_hash
from poolsweep.files.writing import write_whole

_FOLDER = ".data"  # beside the studies: their reports and refits read the rows again


def stored(
    given: Any,  # noqa: ANN401
    names: Sequence[str],
    *,
    label: str | None,
    where: str,
    root: Path,
    stem: str,
) -> tuple[Path, tuple[str, ...] | None]:
    """The file of some rows, and the label names that they bring; a path stays what it is.

    Args:
        given: Rows as ``read_columns`` takes them, or a path.
        names: Names of the columns.
        label: Name of the column with labels.
        where: Name of the data in messages.
        root: Folder of all studies.
        stem: Beginning of the file's name.
    Raises:
        UserError: If the rows cannot be taken.
    """
    if isinstance(given, (str, Path)):
        return Path(given), None
    columns = read_columns(given, names, label=label, where=where)
    if not all(len(column) for column in columns.values.values()):
        raise UserError(f"{where} has no rows")
    return _file(columns, (root / _FOLDER).absolute(), stem), columns.label_names


def _file(columns: Columns, folder: Path, stem: str) -> Path:
    """Write the columns as JSON lines: the same rows give the same bytes, whatever library they came from."""
    names = list(columns.values)
    rows = zip(*(column.to_pylist() for column in columns.values.values()), strict=True)
    lines = (json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows)
    content = "".join(f"{line}\n" for line in lines).encode()
    digest = xxhash.xxh3_128_hexdigest(content)
    path = folder / f"{re.sub(r'[^0-9A-Za-z_-]+', '-', stem)[:60]}-{digest[:12]}.jsonl"
    if not (path.is_file() and file_hash(path) == digest):
        with write_whole(path) as temporary:
            temporary.write_bytes(content)
    return path
