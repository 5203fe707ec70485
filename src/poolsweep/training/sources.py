"""Makes the data source of a config, reads it once, and says what identifies its content."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import xxhash

from poolsweep.config import LOADING_KEYS, Node
from poolsweep.config.targets import authorised, nodes_with_target
from poolsweep.data.cautions import data_cautions
from poolsweep.data.checks import check
from poolsweep.data.source import Source
from poolsweep.data.splits import Splits
from poolsweep.errors import UserError
from poolsweep.tasks import Classification, Contract, Task
from poolsweep.terminal.progress import said_if_slow
from poolsweep.training.make import make


def load_data(data: Node, task: Task) -> tuple[Splits, Contract]:
    """Read and check a data set; runs of one process that read the same content share it.

    Raises:
        UserError: With every problem of its files and labels.
    """
    with said_if_slow(_reading(data)):
        source = _source(_node(data))
        return _checked(source, source.fingerprint(), task)


def task_of_data(data: Node, trusted: Sequence[str]) -> str:
    """The name of the task that the targets of a data set are for.

    Args:
        data: Makes the source.
        trusted: Packages of the user's own that it may come from.
    """
    return Classification.name


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
    source = data.without(*LOADING_KEYS).plain()
    paths = [str(Path(value).absolute()) for value in source.values() if isinstance(value, str) and _is_file(value)]
    return paths or [json.dumps(source, sort_keys=True, default=str)]


def forget_data() -> None:
    """Read data sets anew: what a function of the user's own returned is known for the length of one command."""
    _source.cache_clear()


class _Known(Source):
    """What a source gave that says nothing of its content until it has been read."""

    def __init__(self, splits: Splits, found_by: tuple[str, ...]) -> None:
        self._splits, self.found_by = splits, found_by

    def read(self) -> Splits:
        return self._splits

    def fingerprint(self) -> str:
        return self._splits.fingerprint


def _node(data: Node) -> str:
    return json.dumps(data.without(*LOADING_KEYS).plain(), sort_keys=True)


@lru_cache(maxsize=8)
def _source(node: str) -> Source:
    content = Node(json.loads(node))
    made = make(content)
    if isinstance(made, Source) and made.fingerprint() is not None:
        return made
    splits = made.read() if isinstance(made, Source) else made
    if not isinstance(splits, Splits):
        raise UserError(f"data._target_={content.target} must give a Source or Splits, got {type(splits).__name__}")
    return _Known(splits, getattr(made, "found_by", ()))


@lru_cache(maxsize=4)
def _checked(source: Source, fingerprint: str | None, task: Task) -> tuple[Splits, Contract]:
    splits = source.read()
    contract = check(splits, task)
    return splits.with_cautions(data_cautions(splits, contract)), contract


def _is_file(value: str) -> bool:
    try:
        return Path(value).is_file()
    except (OSError, ValueError):
        return False
