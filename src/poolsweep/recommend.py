"""Which pooling to take where nothing has been measured on one's own texts: what the atlas found, rule by rule.

The rules and what was measured for each stand in recommend.csv, which docs/recommend.md shows too. What to take follows
from the interval alone: where it holds zero the cheaper pooling is recommended. A rule without evidence says so.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poolsweep.errors import UserError, nearest
from poolsweep.tasks import TASKS

FILE = Path(__file__).with_suffix(".csv")
SIMILARITY = "similarity"
REGIMES = ("frozen", "fine-tuned")


@dataclass(frozen=True)
class Rule:
    """A case, two poolings that were compared in it, and what came out.

    Attributes:
        regime: frozen or fine-tuned.
        task: The task that it is for; empty for all.
        rows_to: Most training rows that it is for; None for any number.
        length_from: Tokens from which texts are long enough for it; None for any length.
        contender: Pooling that was held against the other.
        other: The other.
        cheaper: The one of both to take where they are not told apart.
        interval: Difference in points, and both ends of its 95% interval; None where it was not measured.
        sets: Names of the data sets.
    """

    regime: str
    task: str
    rows_to: int | None
    length_from: int | None
    contender: str
    other: str
    cheaper: str
    interval: tuple[float, float, float] | None
    sets: tuple[str, ...]

    @classmethod
    def of(cls, line: Mapping[str, str]) -> Rule:
        """The rule of a line of the file."""
        ends = [line[key] for key in ("value", "low", "high")]
        value, low, high = (float(end) if end else 0.0 for end in ends)
        return cls(
            line["regime"], line["task"], _number(line["rows_to"]), _number(line["length_from"]), line["contender"],
            line["other"], line["cheaper"], (value, low, high) if all(ends) else None, tuple(line["of"].split()),
        )  # fmt: skip

    def fits(self, *, regime: str, task: str | None, rows: int | None, length: int | None) -> bool:
        """Whether it is for a case; what is not known of the case fits rules that do not ask for it."""
        if self.regime != regime or (self.task and self.task != task) or (not self.task and task == SIMILARITY):
            return False
        if self.length_from is not None and (length is None or length < self.length_from):
            return False
        return self.rows_to is None or (rows is not None and rows <= self.rows_to)

    @property
    def take(self) -> str | None:
        """The pooling that it recommends; None where it was not measured."""
        if self.interval is None:
            return None
        _, low, high = self.interval
        return self.contender if low > 0 else self.other if high < 0 else self.cheaper

    @property
    def case(self) -> str:
        """What it is for, in words."""
        asked = [self.regime, self.task and f"task={self.task}"]
        asked += [f"up to {self.rows_to:,} training rows" if self.rows_to is not None else ""]
        asked += [f"texts of {self.length_from} tokens or more" if self.length_from is not None else ""]
        return ", ".join(part for part in asked if part)

    @property
    def evidence(self) -> str:
        """What was measured, in words."""
        if self.interval is None:
            return "not measured"
        value, low, high = (f"{number:+.1f}".replace("-", "−") for number in self.interval)
        several = f"{len(self.sets)} data sets" if len(self.sets) > 1 else f"one data set, {''.join(self.sets)}"
        return f"{self.contender} − {self.other}: {value} points (95% interval {low} to {high}; {several})"

    @property
    def answer(self) -> str:
        """The recommendation in a line."""
        if self.interval is None:
            return f"not measured: compare {self.contender} with {self.other} on your texts"
        told_apart = self.interval[1] > 0 or self.interval[2] < 0
        start = f"take {self.take}" if told_apart else f"not told apart: take {self.take}, the cheaper"
        return f"{start}. {self.evidence}"

    @property
    def poolings(self) -> tuple[str, ...]:
        """Overrides that compare both."""
        names = [name.partition("+")[0] for name in (self.contender, self.other)]
        chunks = [f"pooling/chunks=truncate,{name.removesuffix('_chunks')}"
                  for name in [self.contender.partition("+")[2]] if name]  # fmt: skip
        return (f"pooling={','.join(dict.fromkeys(names))}", *chunks)


def rules() -> list[Rule]:
    """All rules; the first that fits counts."""
    return [Rule.of(line) for line in read_rules()]


def read_rules() -> list[dict[str, str]]:
    """The lines of the file."""
    with FILE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def recommend(*, regime: str, task: str | None = None, rows: int | None = None, length: int | None = None) -> Rule:
    """The rule for a case.

    Args:
        regime: frozen or fine-tuned.
        task: Such as classification; None = any but similarity.
        rows: Training rows; None = many.
        length: Tokens of most texts; None = short.
    Raises:
        UserError: If a number is below 1, or there is no such task.
    """
    wrong = [f"--{name} must be 1 or more, got {value}"
             for name, value in (("rows", rows), ("length", length)) if value is not None and value < 1]  # fmt: skip
    if task is not None and task not in TASKS:
        wrong.append(f"--task {task}: there is none of that name; {nearest(task, TASKS)}")
    if wrong:
        raise UserError(*wrong)
    return next(rule for rule in rules() if rule.fits(regime=regime, task=task, rows=rows, length=length))


def command(rule: Rule) -> str:
    """What to type to compare both poolings of a rule on one's own texts."""
    frozen = " encoder.frozen=true trainer=probe" if rule.regime == REGIMES[0] else ""
    return f"poolsweep train -m data=files data.train=FILE{frozen} {' '.join(rule.poolings)} seed=0,1,2,3,4"


def table(found: Sequence[Rule]) -> str:
    """The rules as a Markdown table."""
    lines = [f"| {rule.case} | {rule.take or '–'} | {rule.evidence} |" for rule in found]
    return "\n".join(["| case | take | evidence |", "|---|---|---|", *lines]) + "\n"


def _number(cell: str) -> int | None:
    return int(cell) if cell else None
