"""Deals rows into folds by scikit-learn's splitters: each row is held out once."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from poolsweep.data.strata import codes_of, marks_of_units, units_of
from poolsweep.errors import UserError

_FEW = 0.01  # rows beyond the first of their unit: where there are no more, a unit has the class of its first row


def fold_of_rows(strata: np.ndarray | None, *, together: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold that each row is held out in.

    Args:
        strata: Classes (N,), or marks (N, C), of which every fold gets its share; None = whatever comes.
        together: Rows of the same number go into the same fold.
        folds: K.
        seed: Seed of the choice, which depends on it and the rows alone.
    Shape:
        together (N,); returns (N,) int64, 0 to K − 1.
    Raises:
        UserError: If there are fewer texts or groups than folds.
    """
    first, unit = units_of(together)
    if len(first) < folds:
        raise UserError(
            f"data.folds must be at most the number of different texts or groups, {len(first)}, got {folds}"
        )
    if strata is not None and strata.ndim == 2:
        return _dealt(marks_of_units(strata, unit), None, folds=folds, seed=seed)[unit]
    classes = codes_of(strata, rows=len(unit))
    if np.bincount(classes).max() < folds:  # no class has a row for each fold
        classes = np.zeros_like(classes)
    if len(unit) - len(first) <= _FEW * len(unit):
        return _dealt(classes[first], None, folds=folds, seed=seed)[unit]
    return _dealt(classes, unit, folds=folds, seed=seed)


def _dealt(strata: np.ndarray, units: np.ndarray | None, *, folds: int, seed: int) -> np.ndarray:
    splitter = _splitter(strata, grouped=units is not None)(n_splits=folds, shuffle=True, random_state=seed)
    found = np.empty(len(strata), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class in y", UserWarning)  # told with the label
        for fold, (_, held_out) in enumerate(splitter.split(strata, strata, units)):
            found[held_out] = fold
    return found


def _splitter(strata: np.ndarray, *, grouped: bool) -> Any:  # noqa: ANN401  one of classes that share no constructor
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    if strata.ndim == 2:
        from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

        return MultilabelStratifiedKFold
    if not strata.any():  # one class, or none that count
        return GroupKFold if grouped else KFold
    return StratifiedGroupKFold if grouped else StratifiedKFold
