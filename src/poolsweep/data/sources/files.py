"""The user's own files: csv, tsv, jsonl or parquet."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset, Features, Value

from poolsweep.data.carve import carve
from poolsweep.data.labels import label_text
from poolsweep.data.splits import Split, Splits
from poolsweep.errors import UserError, nearest

_READERS = {".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".json": "json", ".parquet": "parquet"}


def files(
    *,
    train: str,
    validation: str | None = None,
    test: str | None = None,
    name: str | None = None,
    text: str = "text",
    text_pair: str | None = None,
    label: str = "label",
    labels: list[str | int | bool] | None = None,
    quoted: bool | None = None,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.1,
    split_seed: int = 0,
) -> Splits:
    """Read one file per split; a split without a file is carved out of the training file.

    Everything is read as text: ``"007"``, ``"NA"`` and ``"null"`` stay what they are.

    Args:
        train: Path of the training file.
        validation: Path; None = ``validation_fraction`` of the training rows, stratified and seeded.
        test: Path; None = ``test_fraction`` of the training rows, stratified and seeded.
        name: How the data set is called in leaderboards; None = made of the path.
        text: Name of the column with the text.
        text_pair: Name of the column with a second text, if each example is a pair.
        label: Name of the column with the label.
        labels: All label names in the order of their ids; None = those of the training split, sorted.
        quoted: Whether ``"`` quotes fields; None = in csv, but not in tsv.
        validation_fraction: Share of the training rows, if carved.
        test_fraction: Share of the training rows, if carved.
        split_seed: Seed of the carving.
    Raises:
        UserError: If a file or a column is missing, or a file cannot be read.
    """
    columns = {"text": text, "label": label} | ({"text_pair": text_pair} if text_pair else {})
    found, problems, given = {}, [], None
    for split, path in (("train", train), ("validation", validation), ("test", test)):
        if path is not None:
            try:
                rows, names = _read(Path(path), key=f"data.{split}", columns=columns, quoted=quoted)
                found[split] = Split(split, str(path), rows, np.arange(len(rows)))
                given = names if split == "train" else given
            except UserError as error:
                problems += error.problems
    if problems:
        raise UserError(*problems)
    notes = []
    for split, fraction in (("test", test_fraction), ("validation", validation_fraction)):
        if split not in found:
            before = len(found["train"])
            found["train"], found[split] = carve(found["train"], name=split, fraction=fraction, seed=split_seed)
            notes.append(f"{split}: {len(found[split])} of the {before} rows of {train}, stratified by label")
    order = tuple(map(label_text, labels)) if labels is not None else given
    return Splits(found["train"], found["validation"], found["test"], label_names=order, notes=tuple(notes))


def _read(
    path: Path, *, key: str, columns: dict[str, str], quoted: bool | None
) -> tuple[Dataset, tuple[str, ...] | None]:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        there = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = f"; {nearest(path.name, there)}" if there and not path.is_dir() else ""
        raise UserError(f"{key}={path} {what}{hint}")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{key}={path} must end in {', '.join(_READERS)}")
    if path.stat().st_size == 0:
        raise UserError(f"{key}={path} is empty")
    datasets.disable_progress_bars()
    options = _csv_options(path, key=key, quoted=quoted) if reader == "csv" else {}
    try:
        rows = datasets.load_dataset(reader, data_files=str(path.absolute()), split="train", **options)
    except Exception as error:  # the readers raise what pandas and Arrow raise, each with a type of its own
        cause = error.__cause__ or error
        if "corresponds to no data" in str(cause):
            raise UserError(f"{key}={path} has no rows") from error
        raise UserError(f"{key}={path} cannot be read: {str(cause).strip().splitlines()[0]}") from error
    return as_columns(rows, columns=columns, where=f"{key}={path}")


def as_columns(rows: Dataset, *, columns: dict[str, str], where: str) -> tuple[Dataset, tuple[str, ...] | None]:
    """Keep the columns that are needed, under their standard names and as text.

    Args:
        rows: What was read.
        columns: Standard name → name in ``rows``.
        where: For messages.
    Raises:
        UserError: If a column is missing, named twice, or holds something else than text or numbers.
    """
    by_name = {found: name for name, found in columns.items()}
    if len(by_name) < len(columns):
        name, found = next((name, found) for name, found in columns.items() if by_name[found] != name)
        raise UserError(f"data.{name} and data.{by_name[found]} name the same column {found!r}")
    missing = [name for name in columns.values() if name not in rows.column_names]
    if missing:
        raise UserError(*(f"{where} has no column {name!r}; {nearest(name, rows.column_names)}" for name in missing))
    rows = rows.select_columns(list(columns.values()))
    feature = rows.features[columns["label"]]
    given = tuple(feature.names) if isinstance(feature, ClassLabel) else None
    rows = rows.rename_columns({found: name for name, found in columns.items() if found != name})
    if isinstance(feature, ClassLabel):
        ids = np.asarray(rows.with_format("numpy")["label"][:])
        rows = rows.remove_columns("label").add_column("label", [feature.names[i] if i >= 0 else None for i in ids])
    wrong = [n for n in rows.column_names if not _is_scalar(rows.features[n])]
    if wrong:
        raise UserError(*(f"{where}: column {columns[n]!r} must hold text, got {rows.features[n]}" for n in wrong))
    return rows.cast(Features({name: Value("string") for name in rows.column_names})), given


def _is_scalar(feature: object) -> bool:
    return isinstance(feature, Value) and not pa.types.is_nested(feature.pa_type)


def _csv_options(path: Path, *, key: str, quoted: bool | None) -> dict[str, Any]:
    """Read the header, so that every column is read as text whatever it looks like.

    A csv file whose header has no comma is read with semicolons or tabs, if the header has those: spreadsheets write
    them where the comma is the decimal sign.
    """
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    quoting = csv.QUOTE_MINIMAL if (delimiter == "," if quoted is None else quoted) else csv.QUOTE_NONE
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file, delimiter=delimiter, quoting=quoting), [])
            if delimiter == "," and len(header) == 1:
                delimiter = next((other for other in (";", "\t") if other in header[0]), delimiter)
                file.seek(0)
                header = next(csv.reader(file, delimiter=delimiter, quoting=quoting), [])
            first = next((row for row in csv.reader(file, delimiter=delimiter, quoting=quoting) if row), [])
    except UnicodeDecodeError as error:
        raise UserError(f"{key}={path} is not UTF-8 text: {error}") from error
    if len(first) > len(header):  # pandas would take what comes first for names of rows
        raise UserError(
            f"{key}={path}: row 1 has {len(first)} fields, and the header {len(header)}; a text that holds the "
            "separator stands in double quotes"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise UserError(f"{key}={path} has the column {twice[0]!r} more than once")
    features = Features({name: Value("string") for name in header})
    return {
        "sep": delimiter,
        "quoting": quoting,
        "keep_default_na": False,
        "na_values": [],
        "features": features,
        "encoding": "utf-8-sig",
    }
