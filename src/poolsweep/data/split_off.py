"""Splits rows off the training rows: seeded, stratified, what belongs together kept together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from poolsweep.data.folds import fold_of_rows
from poolsweep.data.splits import Split
from poolsweep.data.strata import Strata, by_label, codes_of, kept_together, marks_of_units, units_of
from poolsweep.errors import UserError

_SMALL = 0.5  # of the rows that a split should have
_TOGETHER = "equal texts, and rows of one data.group, stay together"


@dataclass(frozen=True)
class Splitting:
    """How the splits that a source lacks come about.

    Attributes:
        validation_fraction: Share of the rows that are left when the test split is off.
        test_fraction: Share of the training rows.
        seed: Seed of the splitting.
        folds: K of a k-fold split, in which each text is held out once; None = one split by the fractions.
        fold: The fold that is held out, 0 to K − 1; None with ``folds`` = none is, and all rows are fitted.
    """

    validation_fraction: float
    test_fraction: float
    seed: int
    folds: int | None = None
    fold: int | None = None


def split_rows(
    found: Mapping[str, Split], how: Splitting, *, of: str, strata: Strata = by_label
) -> tuple[dict[str, Split], tuple[str, ...]]:
    """All splits, those that are missing split off the training rows; and a note for each of these.

    Without folds that are the fractions. With folds the one that is held out is the test split, or, where a test split
    was found, the validation split. A test split is missing in the end where no fold is held out.

    Args:
        found: The splits that there are, ``train`` among them, which may have a column ``group``.
        how: How they come about.
        of: Name of the training rows in a note.
        strata: What each split gets its share of.
    Raises:
        UserError: If there is nothing that a fold could be held out for, or too little to make folds of.
    """
    splits, notes = dict(found), []
    if how.folds is not None:
        notes += _hold_out(splits, how, of=of, strata=strata)
    fractions = {"test": how.test_fraction} if how.folds is None else {}
    for name, fraction in (fractions | {"validation": how.validation_fraction}).items():
        if name not in splits:
            before = len(splits["train"])
            splits["train"], splits[name] = split_off(
                splits["train"], name=name, fraction=fraction, seed=how.seed, strata=strata
            )
            share = f"{fraction:g} of the rest" if how.folds else f"{len(splits[name])} of the {before} rows"
            notes.append(f"{name}: {share} of {of}, stratified")
            asked = round(fraction * before)
            if len(splits[name]) < _SMALL * asked:
                notes.append(f"{name} has {len(splits[name])} rows, not {asked}: {_TOGETHER}")
    return {name: _without_group(split) for name, split in splits.items()}, tuple(notes)


def _hold_out(splits: dict[str, Split], how: Splitting, *, of: str, strata: Strata) -> list[str]:
    """Take the fold that is held out from the training rows."""
    assert how.folds is not None
    name = next((name for name in ("test", "validation") if name not in splits), None)
    if name is None:
        raise UserError(
            f"data.folds={how.folds} has nothing to hold a part of {of} out for, since both other splits are given: "
            "data.test=null holds folds out for test, data.validation=null for validation"
        )
    if how.fold is None:
        return []
    train = splits["train"]
    fold_of = fold_of_rows(strata(train.column("label")), together=kept_together(train), folds=how.folds, seed=how.seed)
    sizes = np.bincount(fold_of, minlength=how.folds)
    splits["train"], splits[name] = _parts(train, fold_of == how.fold, name=name)
    notes = [f"{name}: one of {how.folds} folds of the {len(train)} rows of {of}, stratified"]
    if sizes.min() < _SMALL * sizes.max():
        notes.append(f"folds have {sizes.min()} to {sizes.max()} rows: {_TOGETHER}")
    return notes


def split_off(split: Split, *, name: str, fraction: float, seed: int, strata: Strata = by_label) -> tuple[Split, Split]:
    """Take ``fraction`` of a split's rows, stratum by stratum, as a split of their own.

    Rows with the same text or of the same group go together, so that no text of the new split is also trained on. Texts
    are the same here if they differ in case, accents or white space alone, which is what an encoder's tokenizer may
    drop.

    Args:
        split: The rows to take from.
        name: The new split's name.
        fraction: Share of each stratum's rows, 0 to 1.
        seed: Seed of the choice, which depends on it and the rows alone.
        strata: What the new split gets its share of.
    """
    classes, together = strata(split.column("label")), kept_together(split)
    if classes is not None and classes.ndim == 2 and len(split):
        taken = _of_marks(classes, groups=together, fraction=fraction, seed=seed)
    else:
        taken = stratified_groups(codes_of(classes, rows=len(split)), groups=together, fraction=fraction, seed=seed)
    if "group" in split.rows.column_names and taken.sum() < _SMALL * fraction * len(split):
        taken = _of_groups(classes, groups=together, fraction=fraction, seed=seed)
    return _parts(split, taken, name=name)


def stratified_groups(
    labels: np.ndarray | list, *, groups: np.ndarray | list, fraction: float, seed: int
) -> np.ndarray:
    """Choose whole groups of rows until each label has given its share.

    A group belongs to the label of its first row.

    Args:
        labels: Label of each row, or its place in the order of the labels.
        groups: Group of each row; rows of one group go together.
        fraction: Share of each label's rows, 0 to 1.
        seed: Seed of the choice, which depends on it, the labels and the groups alone.
    Shape:
        labels (N,) and groups (N,); returns (N,) bool, True = chosen.
    Example:
        >>> chosen = stratified_groups(["a"] * 10 + ["b"] * 10, groups=list(range(20)), fraction=0.2, seed=0)
        >>> chosen[:10].sum(), chosen[10:].sum()
        (np.int64(2), np.int64(2))
    """
    labels = np.asarray(labels)
    first, unit = units_of(np.asarray(groups))
    sizes, owners = np.bincount(unit, minlength=len(first)), labels[first]
    chosen = np.zeros(len(first), dtype=bool)
    random = np.random.default_rng(seed)
    for label in np.unique(owners):
        mine = np.flatnonzero(owners == label)
        wanted = round(fraction * int(sizes[mine].sum()))
        for group in mine[random.permutation(len(mine))]:
            if wanted <= 0:
                break
            if sizes[group] <= wanted:
                chosen[group] = True
                wanted -= int(sizes[group])
    return chosen[unit]


def _of_marks(marks: np.ndarray, *, groups: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Choose whole groups by iterative stratification; a group has the marks of all of its rows.

    Reference:
        Sechidis et al. (2011), "On the Stratification of Multi-Label Data". Differs: none.
    """
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    first, unit = units_of(groups)
    of_groups = marks_of_units(marks, unit)
    chosen = np.zeros(len(first), dtype=bool)
    if round(fraction * len(first)) in range(1, len(first)):
        share: Any = fraction  # its annotation follows from a default
        splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=share, random_state=seed)
        chosen[next(iter(splitter.split(of_groups, of_groups)))[1]] = True
    return chosen[unit]


def _of_groups(classes: np.ndarray | None, *, groups: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Choose whole groups, of which each may have more rows of a label than that label's share."""
    folds = min(len(np.unique(groups)), max(20, round(1 / fraction)))
    if folds < 2:
        return np.zeros(len(groups), dtype=bool)
    return fold_of_rows(classes, together=groups, folds=folds, seed=seed) < max(1, round(fraction * folds))


def _parts(split: Split, taken: np.ndarray, *, name: str) -> tuple[Split, Split]:
    new = replace(split.where(taken), name=name, origin=f"{split.origin} ({name} split off)", is_split_off=True)
    return split.where(~taken), new


def _without_group(split: Split) -> Split:
    """It has done its work."""
    if "group" not in split.rows.column_names:
        return split
    return replace(split, rows=split.rows.remove_columns("group"))
