"""The one reader of result.json and status.json, and of whether a run's files are as recorded.

A record that is not what poolsweep writes is odd: it is named and left out, and ends nothing.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import xxhash

from poolsweep.files.writing import NotAFileError, checksum, read_json, read_plain, write_json
from poolsweep.runs.record_fields import CHECKED, RESULT_FIELDS, STATUS_FIELDS, Check

RESULT, STATUS = "result.json", "status.json"
SMALL = ("config.yaml", "labels.json", "metrics.csv")
_HASHED_UP_TO = 2**24  # bytes; larger weights count by their size until they are loaded


class OddRecordError(ValueError):
    """A record is there and is not what poolsweep writes."""


class DamagedError(ValueError):
    """A file of a finished run is not what its result says that it was."""


_OF_EACH = ("status",)
_OF_FINISHED = (
    "data", "encoder", "pooling", "regime", "setting", "seed", "monitor", "mode", "metrics", "parameters", "seconds",
)  # fmt: skip


def read_result(folder: Path) -> dict[str, Any] | None:
    """The content of a run's ``result.json``; None if there is none.

    Args:
        folder: The run's.
    Raises:
        OddRecordError: If it is there and cannot be relied on.
    """
    content = _read(folder / RESULT, RESULT_FIELDS)
    if content is None:
        return None
    required = _OF_EACH + (_OF_FINISHED if content.get("status") == "finished" else ())
    _require(content, required, RESULT)
    if "checksum" in content and content["checksum"] != _checksum(content):
        raise OddRecordError(f"{RESULT} was changed after it was written: its checksum is another")
    return content


def read_status(folder: Path) -> dict[str, Any] | None:
    """The content of a run's ``status.json``; None if there is none.

    Raises:
        OddRecordError: If it is there and cannot be relied on.
    """
    return _read(folder / STATUS, STATUS_FIELDS)


def known_status(folder: Path) -> dict[str, Any]:
    """The content of a run's ``status.json``; nothing if there is none, or it cannot be relied on."""
    try:
        return read_status(folder) or {}
    except OddRecordError:
        return {}


def known_result(folder: Path) -> dict[str, Any]:
    """The content of a run's ``result.json``; nothing if there is none, or it cannot be relied on."""
    try:
        return read_result(folder) or {}
    except OddRecordError:
        return {}


def _read(path: Path, checks: Mapping[str, Check]) -> dict[str, Any] | None:
    try:
        content = read_json(path)
    except OSError as error:
        raise OddRecordError(f"{path.name} cannot be read: {error.strerror or error}") from error
    if content is None and not os.path.lexists(path):
        return None
    if not isinstance(content, dict):
        raise OddRecordError(f"{path.name} is damaged")
    odd = next((key for key, value in content.items() if key in checks and not checks[key](value)), None)
    if odd is not None:
        raise OddRecordError(f"{path.name} has {odd} {_shown(content[odd])}")
    return content


def _require(content: Mapping[str, object], keys: Iterable[str], name: str) -> None:
    lacking = [key for key in keys if key not in content]
    if lacking:
        raise OddRecordError(f"{name} lacks {', '.join(lacking)}")


def _shown(value: Any) -> str:  # noqa: ANN401
    text = json.dumps(value, default=str, ensure_ascii=True)
    return text if len(text) < 80 else f"{text[:77]}…"


def write_result(folder: Path, content: Mapping[str, object], *, durable: bool = False) -> dict[str, Any]:
    """Write a run's ``result.json`` with a checksum of its own; gives what was written.

    Args:
        folder: The run's.
        content: What came out.
        durable: Whether it is on the disk when this returns, as in ``write_whole``.
    """
    record = json.loads(json.dumps(dict(content)))
    record["checksum"] = _checksum(record)
    write_json(folder / RESULT, record, durable=durable)
    return record


def _checksum(content: Mapping[str, object]) -> str:
    told = {key: value for key, value in content.items() if key != "checksum"}
    return xxhash.xxh3_64_hexdigest(json.dumps(told, sort_keys=True, ensure_ascii=True).encode())


def fingerprints(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and checksum of each file of a run that is about to finish, as its result records them."""
    there = [name for name in CHECKED if (folder / name).is_file()]
    return {name: {"bytes": (folder / name).stat().st_size, "xxh3": checksum(folder / name)} for name in there}


def missing_file(folder: Path, result: Mapping[str, Any]) -> str | None:
    """What a finished run lacks, or has in another size, in words; None if nothing. Reads no file.

    Args:
        folder: The run's.
        result: Content of its ``result.json``.
    """
    for name, told in (result.get("files") or {}).items():
        try:
            status = (folder / name).stat()
        except FileNotFoundError:
            return f"{name} is missing"
        except OSError as error:
            return f"{name} cannot be read: {error.strerror or error}"
        if not stat.S_ISREG(status.st_mode):
            return f"{name} is no plain file"
        if status.st_size != told["bytes"]:
            return f"{name} is damaged: it has {status.st_size:,} bytes, and had {told['bytes']:,}"
    return None


def damaged_file(folder: Path, result: Mapping[str, Any]) -> str | None:
    """As ``missing_file``, and reads all files but large ones."""
    missing = missing_file(folder, result)
    if missing is not None:
        return missing
    for name, told in (result.get("files") or {}).items():
        if told["bytes"] <= _HASHED_UP_TO:
            try:
                read_checked(folder, name, result)
            except DamagedError as error:
                return str(error)
    return None


def read_checked(folder: Path, name: str, result: Mapping[str, Any]) -> bytes:
    """The content of a file of a finished run, as it was when the run finished.

    Args:
        folder: The run's.
        name: One of ``CHECKED``.
        result: The run's ``result.json``; one without checksums says nothing of its files.
    Raises:
        DamagedError: If it is not there, cannot be read, or is another.
    """
    told = (result.get("files") or {}).get(name)
    try:
        content = read_plain(folder / name, at_most=2**40)
    except FileNotFoundError as error:
        raise DamagedError(f"{name} is missing") from error
    except NotAFileError as error:
        raise DamagedError(str(error)) from error
    except OSError as error:
        raise DamagedError(f"{name} cannot be read: {error.strerror or error}") from error
    if told is not None and xxhash.xxh3_64_hexdigest(content) != told["xxh3"]:
        raise DamagedError(f"{name} is damaged: its checksum is another")
    return content
