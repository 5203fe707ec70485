"""What an export says of itself in ``poolsweep.json``; it may be a stranger's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from poolsweep.bounds import PositiveInt
from poolsweep.config.shape import task_problems
from poolsweep.config.targets import argument_problems, authorised, interpolations
from poolsweep.errors import RefusedError, UserError
from poolsweep.files.writing import read_plain
from poolsweep.tasks import Contract, Task, make_task

RECORD = "poolsweep.json"
VERSION = 1
_PARTS = ("encoder.", "pooling.", "head.")
_LARGEST = 2**40  # bytes of a file of weights


@dataclass(frozen=True)
class Weights:
    """Where some weights of an export lie.

    Attributes:
        part: Prefix of their names here: ``encoder.`` (transformers' own names), ``pooling.`` (``layers.…`` and
            ``tokens.…``) or ``head.`` (``weight`` and ``bias`` of a linear head, post-processing folded in).
        file: A safetensors file in the folder, with ``/``.
        prefix: Prefix of their names in the file, taken off; empty = all of the file.
    """

    part: str
    file: str
    prefix: str


@dataclass(frozen=True)
class ExportRecord:
    """The record of an export, its types checked.

    Attributes:
        schema_version: Version of the record.
        format: Name of the format.
        vectors: Whether the head was left out.
        task: The task's name and options, as a config has them.
        contract: The target contract, as ``labels.json`` has it; that of the linear layer as it was written.
        text: Column of the text in the files that it was trained on.
        text_pair: Column of the second text, for pairs.
        max_length: In tokens.
        prefix: What is put before every text.
        pool_prefix: Whether its tokens are pooled.
        pooling: ``layers`` and ``tokens``, as a config has them.
        num_layers: Layers of the encoder before it was cut.
        encoder: Config of the encoder; None where the format's own file is run.
        weights: Places of the weights; empty where the format's own file is run.
        run: What is known of the run.
    """

    schema_version: int
    format: str
    vectors: bool
    task: dict[str, Any]
    contract: dict[str, Any]
    text: str
    text_pair: str | None
    max_length: PositiveInt
    prefix: str
    pool_prefix: bool
    pooling: dict[str, dict[str, Any]]
    num_layers: PositiveInt
    encoder: dict[str, Any] | None
    weights: list[Weights]
    run: dict[str, Any]

    @cached_property
    def known_task(self) -> Task:
        """The task, its options checked."""
        if problems := task_problems(self.task):
            raise UserError(*problems)
        return make_task(self.task)

    @cached_property
    def known_contract(self) -> Contract:
        """The target contract, checked."""
        found = self.known_task.read_contract(self.contract)
        if not len(found):
            raise ValueError("there is no name in it")
        return found


def is_export(path: Path) -> bool:
    """Whether a folder is an export."""
    try:
        return (path / RECORD).is_file()
    except (OSError, ValueError):
        return False


def read_export_record(folder: Path, *, trusted: list[str]) -> ExportRecord:
    """Read the record of an export, and refuse one that names classes which may not be run.

    Args:
        folder: The export.
        trusted: Packages of the user's own whose classes it may name.
    Raises:
        UserError: If it is none.
        RefusedError: If it names other classes.
    """
    where = folder / RECORD
    try:
        record = TypeAdapter(ExportRecord).validate_json(read_plain(where), strict=True)
    except OSError as error:
        raise UserError(f"{where} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except (ValidationError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "too deep"}
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{where} is no record of an export: {place}: {first['msg']}") from error
    if record.schema_version != VERSION:
        raise UserError(f"{where} is of another version of poolsweep: it has schema_version {record.schema_version}")
    try:
        _ = record.known_contract
    except UserError as error:
        raise UserError(*(f"{where}: {problem}" for problem in error.problems)) from error
    except ValueError as error:
        raise UserError(f"{where}: contract is none of task={record.known_task.name}: {error}") from error
    _require_allowed(record, where, trusted=trusted)
    return record


def read_weights(folder: Path, record: ExportRecord) -> dict[str, Tensor]:
    """The weights of an export by their names here: ``encoder.…``, ``pooling.…``, ``head.…``.

    Args:
        folder: The export.
        record: The export's record.
    Raises:
        UserError: If a file is not in the folder, or is no safetensors file.
    """
    files: dict[str, dict[str, Tensor]] = {}
    found: dict[str, Tensor] = {}
    for each in record.weights:
        if each.file not in files:
            files[each.file] = _read_safetensors(folder, each.file)
        if not each.part.startswith(_PARTS):
            raise UserError(f"{folder / RECORD} has weights of {each.part!r}, which is no part of a model")
        for name, tensor in files[each.file].items():
            if name.startswith(each.prefix):
                found[each.part + name[len(each.prefix) :]] = tensor
    return found


def _read_safetensors(folder: Path, name: str) -> dict[str, Tensor]:
    parts = PurePosixPath(name).parts
    path = folder / name
    inside = not PurePosixPath(name).is_absolute() and ".." not in parts and "\\" not in name and ":" not in name
    if not inside or path.suffix != ".safetensors" or not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{folder / RECORD} names {name!r}, which is no safetensors file in its folder")
    try:
        return load(read_plain(path, at_most=_LARGEST))
    except (OSError, SafetensorError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _require_allowed(record: ExportRecord, where: Path, *, trusted: list[str]) -> None:
    if set(record.pooling) != {"layers", "tokens"}:
        raise UserError(f"{where}: pooling must have layers and tokens")
    problems = [f"{place} must not hold ${{…}}" for place in interpolations(record.pooling)]
    for half, node in record.pooling.items():
        if "_target_" not in node:
            raise UserError(f"{where}: pooling.{half} has no _target_")
        part, found = authorised(("pooling", half), node, trusted=trusted)
        problems += argument_problems(f"pooling.{half}", node, found, part)
        if any(isinstance(value, dict) for value in node.values()):
            problems.append(f"pooling.{half} is made of parts of its own")
    if problems:
        raise RefusedError(*(f"{where}: {problem}" for problem in problems))
