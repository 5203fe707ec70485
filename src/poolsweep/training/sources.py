"""Makes the data source of a config, reads it once, and says what identifies its content."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from poolsweep.config import Node
from poolsweep.config.keys import ALL_ROWS, RowKeys, beside_source
from poolsweep.config.targets import authorised, nodes_with_target
from poolsweep.data.cache import cached
from poolsweep.data.cautions import data_cautions
from poolsweep.data.checks import blank, check
from poolsweep.data.evaluated import all_evaluated
from poolsweep.data.overlap import Overlap, without_overlap
from poolsweep.data.sampling import RowsAsked, sampled
from poolsweep.data.source import Source
from poolsweep.data.splits import Splits
from poolsweep.errors import UserError
from poolsweep.tasks import TASKS, Classification, Contract, Task
from poolsweep.tasks.find import FoundTask, find_task
from poolsweep.terminal.console import Console
from poolsweep.terminal.progress import said_if_slow
from poolsweep.training.make import make

_RULES = 1  # of finding a task: another number where they change


def load_data(data: Node, task: Task, rows: RowKeys = ALL_ROWS, *, data_seed: int = 0) -> tuple[Splits, Contract]:
    """Read and check a data set, without the rows that are left out; runs of one process that read the same share it.

    Args:
        data: Makes the source.
        task: Says what the targets may be.
        rows: Which rows are left out.
        data_seed: Seed of a sample of training rows.
    Raises:
        UserError: With every problem of its files and labels.
    """
    asked = RowsAsked(rows.train_rows, rows.rows_per_label)
    with said_if_slow(_reading(data)):
        source = _source(_node(data))
        seed = data_seed if asked != RowsAsked() else None
        return _sampled(source, source.fingerprint(), task, rows.overlap, asked, seed)


def task_of_data(data: Node, trusted: Sequence[str]) -> str:
    """The name of the task that the targets of a data set are for; another than the usual one is said once.

    What was found is kept in the cache, by the content: a finished sweep that is typed again reads no data.

    Args:
        data: Makes the source.
        trusted: Packages of the user's own that it may come from.
    """
    try:
        content = data_content(data, trusted=trusted)
        source = _source(_node(data))
        found = _task_of_source(source, json.dumps([_RULES, *TASKS, content], sort_keys=True, default=str))
    except Exception:  # what is wrong with the data is said when all is checked
        return Classification.name
    if found.why is not None:
        _say_once(f"note: task={found.name}: {found.why}")
    return found.name


def data_content(data: Node, *, trusted: Sequence[str], splits: Splits | None = None) -> dict[str, Any]:
    """The node of the data, with what identifies their content in place of the keys that say where they lie.

    Args:
        data: Makes the source.
        trusted: Packages of the user's own that it may come from.
        splits: What was read, if it was; else the source is asked what it would read.
    Raises:
        UserError: If the source may not be run, or cannot be read where that takes reading.
    """
    for path, node in nodes_with_target(data, ("data",)):  # before anything is made, which validation may not precede
        authorised(path, node, trusted=list(trusted))
    with said_if_slow(_reading(data)):
        source = _source(_node(data))
        content = source.fingerprint() if splits is None else splits.fingerprint
    return {key: data[key] for key in data if key not in source.found_by} | {"_content": content}


def _reading(data: Node) -> str:
    return f"reading {data.get('name') or data.get('train') or data.target.rpartition('.')[2]}"


def found_by(data: Node) -> tuple[str, ...]:
    """The keys of a data source that say where its content is found."""
    return _source(_node(data)).found_by


def data_identity(data: Node, splits: Splits) -> dict[str, Any]:
    """What tells a data set of a record from others of its name.

    Args:
        data: Node that makes the data source.
        splits: What was read.
    Returns:
        ``data_id``, a hash of the content, however it is split; ``data_place``, the paths it was read from.
    """
    return {"data_id": xxhash.xxh3_64_hexdigest(splits.content_id.encode()), "data_place": _place(data)}


def _place(data: Node) -> list[str]:
    """The files that the keys of a data set name, or else the keys."""
    source = data.without(*beside_source(data)).plain()
    paths = [str(Path(value).absolute()) for value in source.values() if isinstance(value, str) and _is_file(value)]
    return paths or [json.dumps(source, sort_keys=True, default=str)]


def forget_data() -> None:
    """Read data sets anew: what a function of the user's own returned is known for the length of one command."""
    _source.cache_clear()
    _say_once.cache_clear()


@lru_cache
def _say_once(note: str) -> None:
    Console(stderr=True).say(note)


class _Known(Source):
    """What a source gave that says nothing of its content until it has been read."""

    def __init__(self, splits: Splits, found_by: tuple[str, ...]) -> None:
        self._splits, self.found_by = splits, found_by

    def read(self) -> Splits:
        return self._splits

    def fingerprint(self) -> str:
        return self._splits.fingerprint


def _node(data: Node) -> str:
    return json.dumps(data.without(*beside_source(data)).plain(), sort_keys=True)


@lru_cache(maxsize=16)
def _source(node: str) -> Source:
    content = Node(json.loads(node))
    made = make(content)
    if isinstance(made, Source) and made.fingerprint() is not None:
        return made
    splits = made.read() if isinstance(made, Source) else made
    if not isinstance(splits, Splits):
        raise UserError(f"data._target_={content.target} must give a Source or Splits, got {type(splits).__name__}")
    return _Known(splits, getattr(made, "found_by", ()))


@lru_cache(maxsize=16)
def _sampled(
    source: Source, fingerprint: str | None, task: Task, overlap: Overlap, asked: RowsAsked, seed: int | None
) -> tuple[Splits, Contract]:
    splits, contract = _checked(source, fingerprint, task, overlap)
    return (splits, contract) if seed is None else (sampled(splits, asked, seed=seed, strata=task.strata), contract)


@lru_cache(maxsize=16)
def _checked(source: Source, fingerprint: str | None, task: Task, overlap: Overlap) -> tuple[Splits, Contract]:
    if not task.trains:  # there are no training rows whose texts could be known already
        splits = all_evaluated(_read(source, fingerprint, task))
        return splits, check(splits, task)
    splits = without_overlap(_read(source, fingerprint, task), overlap)
    contract = check(splits, task)
    notes = (*splits.notes, *task.notes(contract, splits.train.column("label")))
    return replace(splits, notes=notes, cautions=data_cautions(splits, contract)), contract


@lru_cache(maxsize=4)
def _read(source: Source, fingerprint: str | None, task: Task) -> Splits:
    source.strata = task.strata
    return source.read()


@lru_cache(maxsize=64)
def _task_of_source(source: Source, key: str) -> FoundTask:
    """The task of what a source reads, which ``key`` identifies."""
    if isinstance(source, _Known):
        return _task_of_splits(source.read())

    def make(folder: Path) -> Mapping[str, Any]:
        return asdict(_task_of_splits(_read(source, source.fingerprint(), Classification())))

    return FoundTask(**cached("tasks", key, make, what="notes of tasks").about)


def _task_of_splits(splits: Splits) -> FoundTask:
    column = splits.train.column("label")
    told = ~blank(column)
    return find_task(column.filter(pa.array(told)), row_ids=splits.train.row_ids[told], given=splits.label_names)


def _is_file(value: str) -> bool:
    try:
        return Path(value).is_file()
    except (OSError, ValueError):
        return False
