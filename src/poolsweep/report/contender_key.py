"""What makes a contender, what it is called, and which contenders may be compared."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from poolsweep.runs.record_fields import REGIMES

Facts = Mapping[str, Any]


class ContenderKey(NamedTuple):
    """What makes a contender: an encoder, a pooling, and how much of both is trained."""

    encoder: str
    pooling: str
    regime: str

    @classmethod
    def of(cls, facts: Facts) -> ContenderKey:
        """The contender that a run belongs to, by what its record says."""
        return cls(facts["encoder"], facts["pooling"], facts["regime"])

    @property
    def order(self) -> tuple[str, int, str]:
        """For sorting: by encoder, the regime that trains least first."""
        return self.encoder, REGIMES.index(self.regime), self.pooling


def contender_names(keys: Collection[ContenderKey]) -> dict[ContenderKey, str]:
    """The name of each contender of a group: its pooling, and before and behind it what not all of them share.

    Example:
        >>> cls, mean = ContenderKey("minilm", "cls", "probe"), ContenderKey("minilm", "mean", "probe")
        >>> list(contender_names([cls, mean]).values())
        ['cls', 'mean']
        >>> list(contender_names([cls, ContenderKey("tiny", "cls", "probe")]).values())
        ['minilm/cls', 'tiny/cls']
        >>> list(contender_names([cls, ContenderKey("minilm", "cls", "frozen")]).values())
        ['cls/probe', 'cls/frozen']
    """
    several = {part: len({getattr(key, part) for key in keys}) > 1 for part in ("encoder", "regime")}
    found = {}
    for key in keys:
        parts = [key.encoder] * several["encoder"] + [key.pooling] + [key.regime] * several["regime"]
        found[key] = "/".join(parts)
    return found if len(set(found.values())) == len(found) else {key: " / ".join(key) for key in keys}


class TrainingRows(NamedTuple):
    """How many training rows a run asked for; all of them where both are None."""

    train_rows: int | None = None
    rows_per_label: int | None = None

    @classmethod
    def of(cls, facts: Facts) -> TrainingRows:
        """By what a run's record says."""
        asked = facts.get("rows_asked") or {}
        return cls(asked.get("train_rows"), asked.get("rows_per_label"))

    @property
    def order(self) -> tuple[float, float]:
        """For sorting: all rows first, then from many to few, rows a label last."""
        a_label, rows = (-math.inf if number is None else -number for number in (self.rows_per_label, self.train_rows))
        return a_label, rows

    def __str__(self) -> str:
        told = [f"{self.train_rows:,} training rows"] if self.train_rows is not None else []
        told += [f"{self.rows_per_label:,} rows a label"] if self.rows_per_label is not None else []
        return ", ".join(told) or "all rows"


class Arena(NamedTuple):
    """What contenders must share to be compared: data set, task and number of training rows."""

    data: str
    task: str
    rows: TrainingRows

    @classmethod
    def of(cls, facts: Facts) -> Arena:
        """By what a run's record says."""
        return cls(facts["data"], facts.get("task") or "classification", TrainingRows.of(facts))

    @property
    def order(self) -> tuple[str, str, tuple[float, float]]:
        """For sorting."""
        return self.data, self.task, self.rows.order
