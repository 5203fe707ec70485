"""Samples of the training rows for learning curves: a smaller one lies within a larger one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poolsweep.data.splits import Splits
from poolsweep.data.strata import Strata, by_label, codes_of
from poolsweep.errors import UserError


@dataclass(frozen=True)
class RowsAsked:
    """How many training rows are to be left; of both None, all.

    Attributes:
        train_rows: Number of rows, each label's share among them and at least one of each.
        rows_per_label: Number of rows of each label, or all that it has.
    """

    train_rows: int | None = None
    rows_per_label: int | None = None


def sampled(splits: Splits, asked: RowsAsked, *, seed: int, strata: Strata = by_label) -> Splits:
    """The splits with a sample of the training rows; validation and test stay as they are.

    Of one seed a smaller sample is a part of a larger one, so that a learning curve adds rows and swaps none.

    Args:
        splits: Checked; the targets of the training rows are told.
        asked: Size of the sample.
        seed: Seed of the choice, which depends on it and the rows alone.
        strata: What a sample has its share of.
    Raises:
        UserError: If so many rows are not there, or are fewer than there are labels.
    """
    if asked == RowsAsked():
        return splits
    classes = strata(splits.train.column("label"))
    order = _order(classes, rows=len(splits.train), seed=seed)
    if asked.train_rows is not None:
        return splits.without({"train": ~_first_rows(order, _rows_of_labels(order, classes), asked.train_rows)})
    assert asked.rows_per_label is not None
    return _per_label(splits, _rows_of_labels(order, classes), asked.rows_per_label)


def _order(strata: np.ndarray | None, *, rows: int, seed: int) -> np.ndarray:
    """The rows in an order in which each beginning has about its share of each class.

    Of a class with n rows, the k-th comes at (k + u)/n, where u is drawn once for the class: systematic sampling.

    Shape:
        strata (N,) or (N, C); returns (N,) int64.
    """
    random = np.random.default_rng(seed)
    codes = codes_of(strata, rows=rows)
    counts = np.bincount(codes)
    shuffled = random.permutation(rows)
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]  # shuffled within each class
    within = np.arange(rows) - np.repeat(np.cumsum(counts) - counts, counts)
    position = (within + np.repeat(random.random(len(counts)), counts)) / np.repeat(counts, counts)
    return by_class[np.lexsort((by_class, position))]


def _rows_of_labels(order: np.ndarray, strata: np.ndarray | None) -> list[np.ndarray]:
    """The rows of each label in this order; rows without any mark have one more."""
    if strata is None or strata.ndim == 1:
        codes = codes_of(strata, rows=len(order))[order]
        return np.split(order[np.argsort(codes, kind="stable")], np.cumsum(np.bincount(codes))[:-1])
    marks = strata[order].astype(bool)
    found = [order[column] for column in (*marks.T, ~marks.any(axis=1))]
    return [rows for rows in found if len(rows)]


def _first_rows(order: np.ndarray, labels: list[np.ndarray], count: int) -> np.ndarray:
    """The first row of each label, and then whatever comes next."""
    if count >= len(order):
        raise UserError(
            f"data.train_rows must be below the {len(order)} training rows, got {count}; null means all of them"
        )
    first = np.unique([rows[0] for rows in labels])
    if count < len(first):
        raise UserError(f"data.train_rows must be at least {len(first)}, so that each label has a row, got {count}")
    chosen = np.zeros(len(order), dtype=bool)
    chosen[first] = True
    chosen[order[~chosen[order]][: count - len(first)]] = True
    return chosen


def _per_label(splits: Splits, labels: list[np.ndarray], count: int) -> Splits:
    """Rows that are among the first of one of their labels."""
    chosen = np.zeros(len(splits.train), dtype=bool)
    chosen[np.concatenate([rows[:count] for rows in labels])] = True
    if chosen.all():
        raise UserError(f"data.rows_per_label={count} is all {len(chosen)} training rows; null means that")
    short = sum(len(rows) < count for rows in labels)
    few = f"{short} label{'s have' if short > 1 else ' has'} fewer rows, all of which are taken"
    return splits.without({"train": ~chosen}, notes=[f"data.rows_per_label={count}: {few}"] if short else [])
