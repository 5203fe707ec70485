"""Finds every problem of a data set at once, each named by file and row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from poolsweep.data.splits import Split, Splits
from poolsweep.errors import UserError
from poolsweep.tasks import Contract, Task

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them


_HIDDEN = pa.array(["-1", "-1.0"])  # what benchmarks write where they keep a label, or a score, to themselves
_CURES = {
    "train": "", "validation": "; data.validation=null splits one off the training rows",
    "test": "; data.test=null splits one off the training rows",
}  # fmt: skip


def check(splits: Splits, task: Task) -> Contract:
    """Check texts and targets of all splits and decide the target contract.

    Args:
        splits: What a source has read.
        task: Says what the label column may hold.
    Raises:
        UserError: With every problem: empty splits, empty or missing texts and labels, a single class, labels of
            validation or test that training does not have, a label column that holds something else than classes.
    """
    column = splits.train.column("label")
    told = ~blank(column)
    column = column.filter(pa.array(told))
    contract = task.contract(column, given=splits.label_names)
    problems = [problem for split in splits for problem in _problems_of(split, contract)]
    if splits.label_names is None and len(splits.train):
        objection = task.objection(contract, column, row_ids=splits.train.row_ids[told])
        if objection is not None:
            raise UserError(*problems, f"{splits.train.origin}: {objection}")
    too_few = task.too_few(contract) if len(splits.train) else None
    problems += [] if too_few is None else [f"{splits.train.origin}: {too_few}"]
    for split in [split for split in splits if split is not splits.train] if too_few is None else ():
        problems += [] if hidden(split) else _unknown(split, contract, where_seen=splits.train.origin)
    if len(splits.train):
        problems += _unknown(splits.train, contract, where_seen="the given label names")
    if problems:
        raise UserError(*problems)
    return contract


def check_targets(split: Split, contract: Contract, *, where_seen: str) -> None:
    """Check rows that a trained model is held against.

    Args:
        split: What was read of one file.
        contract: Contract of the model.
        where_seen: How messages call these.
    Raises:
        UserError: With every problem: no rows, empty texts or targets, targets that the model does not know.
    """
    problems = _problems_of(split, contract)
    if not hidden(split):
        problems += _unknown(split, contract, where_seen=where_seen)
    if problems:
        raise UserError(*problems)


def blank(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Where a text column is null, empty or white space.

    Shape:
        column (N,) string; returns (N,) bool.
    """
    return np.asarray(pc.equal(pc.utf8_trim_whitespace(pc.fill_null(column, "")), ""))


def rows_in_words(row_ids: np.ndarray, *, most: int = 5) -> str:
    """Row numbers as a person counts them, the first after the header being row 1.

    Example:
        >>> rows_in_words(np.array([0, 4]))
        'rows 1 and 5'
        >>> rows_in_words(np.arange(9), most=2)
        'rows 1, 2 and 7 more'
    """
    numbers = [str(i + 1) for i in row_ids[:most]]
    rest = len(row_ids) - len(numbers)
    if rest:
        return f"rows {', '.join(numbers)} and {rest} more"
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    return f"rows {', '.join(numbers[:-1])} and {numbers[-1]}"


def _problems_of(split: Split, contract: Contract) -> list[str]:
    if not len(split):
        cure = f"; give data.{split.name}=… or more rows of each label" if split.is_split_off else ""
        return [f"{split.origin}: the {split.name} split has no rows{cure}"]
    problems = []
    for name in split.columns:
        if name != "label" or not hidden(split):
            empty = np.concatenate([blank(values) for values in split.slices(name)])
            if empty.any():
                hint = contract.blank_hint if name == "label" else ""
                problems.append(f"{split.origin}: empty {name} in {rows_in_words(split.row_ids[empty])}{hint}")
    if hidden(split):
        problems.append(
            f"{split.origin}: all labels of the {split.name} split are hidden (-1 or empty){_CURES.get(split.name, '')}"
        )
    return problems


def hidden(split: Split) -> bool:
    """Whether a split has no label that is told, as the test splits of public benchmarks."""
    column = split.column("label")
    return bool(len(column)) and bool(np.all(blank(column) | np.asarray(pc.is_in(column, value_set=_HIDDEN))))


def _unknown(split: Split, contract: Contract, *, where_seen: str) -> list[str]:
    column = split.column("label")
    unknown = contract.unknown(column, where_seen=where_seen)
    found = column.to_numpy() if unknown else np.zeros(0)
    return [
        f"{split.origin}: {what} in {rows_in_words(split.row_ids[found == value], most=3)} {why}"
        for value, (what, why) in list(unknown.items())[:10]
    ]
