"""Reads what W&B wrote offline: its records, in LevelDB's log format behind a header of seven bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

_BLOCK, _HEADER = 32768, 7


def records(folder: Path) -> Iterator[Record]:
    """The records of an offline run's folder, in order."""
    [path] = folder.glob("run-*.wandb")
    content, at, part = path.read_bytes(), _HEADER, b""
    while at + _HEADER <= len(content):
        left = _BLOCK - at % _BLOCK
        if left < _HEADER:
            at += left
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        part += content[at + _HEADER : at + _HEADER + length]
        at += _HEADER + length
        if kind in (1, 4):  # whole, or the last of several parts
            record = Record()
            record.ParseFromString(part)
            part = b""
            yield record


class WandbFile:
    """What one offline run holds.

    Attributes:
        run: W&B's description of it.
        config: Key → value.
        summary: Key → last value.
        history: One dictionary per logged step.
        exit_code: None if it was never finished.
    """

    def __init__(self, folder: Path) -> None:
        self.exit_code: int | None = None
        self.history: list[dict] = []
        self.summary: dict = {}
        self.config: dict = {}
        for record in records(folder):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                self.run = record.run
                self.config |= _items(record.run.config.update)
            elif kind == "config":
                self.config |= _items(record.config.update)
            elif kind == "summary":
                self.summary |= _items(record.summary.update)
            elif kind == "history":
                self.history.append(_items(record.history.item))
            elif kind == "exit":
                self.exit_code = record.exit.exit_code

    def curve(self, metric: str) -> list[tuple[int, float]]:
        """Step and value of a metric."""
        return [(int(row["trainer/global_step"]), row[metric]) for row in self.history if metric in row]


def _items(items) -> dict:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}
