"""Texts that stand in several splits: counted, dropped or refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from poolsweep.data.checks import rows_in_words
from poolsweep.data.same_text import text_keys
from poolsweep.data.splits import Split, Splits
from poolsweep.errors import UserError

Overlap = Literal["warn", "drop", "refuse"]
_SAME = "(texts are the same here if they differ in case, accents or white space alone)"


@dataclass(frozen=True)
class _Shared:
    """Rows of one split whose texts stand in others.

    Attributes:
        split: The split.
        rows: True at each such row; (N,) bool.
        where: Name of the other splits.
    """

    split: Split
    rows: np.ndarray
    where: str

    def __str__(self) -> str:
        return f"{self.rows.sum()} of the {len(self.rows)} {self.split.name} texts stand in {self.where} too"


def overlap_cautions(splits: Splits) -> Iterator[str]:
    """A sentence for each split with texts that stand in one that is chosen by, or learnt from, before it.

    Args:
        splits: What a source has read.
    """
    for shared in _shared(splits):
        yield f"{shared} {_SAME}; data.overlap=drop leaves them out of training"


def without_overlap(splits: Splits, overlap: Overlap) -> Splits:
    """The splits as ``data.overlap`` has them.

    Args:
        splits: What a source has read.
        overlap: Whether overlap is a caution, for which nothing is done here; rows of training that stand in validation
            or test, and of validation that stand in test, are left out; or nothing is run.
    Raises:
        UserError: If there is overlap and it is refused.
    """
    if overlap == "warn":
        return splits
    if overlap == "refuse":
        problems = [
            f"{one}: {one.split.origin}, {rows_in_words(one.split.row_ids[one.rows], most=3)}"
            for one in _shared(splits)
        ]
        if problems:
            raise UserError(*(f"data.overlap=refuse: {problem} {_SAME}" for problem in problems))
        return splits
    keys = _keys(splits)
    test = keys.get("test", np.zeros(0, dtype=np.uint64))
    left_out = {
        "train": np.isin(keys["train"], np.concatenate([keys["validation"], test])),
        "validation": np.isin(keys["validation"], test),
    }
    notes = [
        f"data.overlap=drop: {rows.sum()} of the {len(rows)} {name} rows are left out: their texts stand in {where}"
        for (name, rows), where in zip(left_out.items(), ("validation or test", "test"), strict=True)
        if rows.any()
    ]
    return splits.without(left_out, notes=notes)


def _keys(splits: Splits) -> dict[str, np.ndarray]:
    """What is split off the training rows shares no text with them: equal texts stay together."""
    if all(split.is_split_off for split in splits if split.name != "train"):
        return {split.name: np.zeros(len(split), dtype=np.uint64) + place for place, split in enumerate(splits)}
    return {split.name: text_keys(split, pairs=True) for split in splits}


def _shared(splits: Splits) -> Iterator[_Shared]:
    keys = _keys(splits)
    if splits.test is not None:
        others = np.concatenate([keys["train"], keys["validation"]])
        yield from _found(splits.test, np.isin(keys["test"], others), "training or validation")
    yield from _found(splits.validation, np.isin(keys["validation"], keys["train"]), "training")


def _found(split: Split, rows: np.ndarray, where: str) -> Iterator[_Shared]:
    if rows.any():
        yield _Shared(split, rows, where)
