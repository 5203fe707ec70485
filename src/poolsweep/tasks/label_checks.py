"""Recognises label columns that hold something else than one class per text."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from poolsweep.tasks.contract import Contract
from poolsweep.tasks.label_sets import SEPARATORS, is_list

_MOST_NUMBERS = 20  # half-star ratings have 9 or 10
_FEW_ROWS = 20  # of fewer rows nothing can be said


def why_no_classes(labels: Contract, column: pa.ChunkedArray, *, row_ids: np.ndarray) -> str | None:
    """Why a label column cannot be classes: several labels a row, scores, or a name for nearly every row; or None.

    Args:
        labels: The names found.
        column: The training split's labels, none of them blank.
        row_ids: Their rows in the file, 0 = first after the header.
    Shape:
        column and row_ids (N,).
    Example:
        >>> from poolsweep.tasks.labels import Labels
        >>> column = pa.chunked_array([["joy", "fear", "joy|fear"]])
        >>> why_no_classes(Labels.from_names(column.to_pylist()), column, row_ids=np.arange(3)).split(":")[0]
        "the label 'joy|fear' of row 3 is several at once"
    """
    if (several := several_at_once(column, labels.names, row_ids=row_ids)) is not None:
        return (
            f"{several}: task=multilabel learns several labels per text; with data.labels=[…] such names count as "
            "labels of their own"
        )
    numbers = [_as_number(name) for name in labels.names]
    if len(numbers) > _MOST_NUMBERS and any(n is not None and n % 1 for n in numbers) and None not in numbers:
        return (
            f"the label column holds {len(labels)} different numbers ({labels.names[0]} to {labels.names[-1]}), which "
            "are scores rather than classes: task=regression trains on scores; with data.labels=[…] they are names"
        )
    if len(column) >= _FEW_ROWS and len(labels) > len(column) / 2:
        return (
            f"the label column holds {len(labels)} different labels in {len(column)} rows: is it another column? "
            "(data.label names it)" + ("; task=regression trains on scores" if None not in numbers else "")
        )
    return None


def several_at_once(column: pa.ChunkedArray, names: Collection[str], *, row_ids: np.ndarray) -> str | None:
    """A label that is made of others, or a list of labels, named with its row; None if there is none.

    Args:
        column: Labels of the training split, none of them blank.
        names: The different ones.
        row_ids: Their rows in the file, 0 = first after the header.
    Shape:
        column and row_ids (N,).
    """
    known = set(names)
    several = next((name for name in names if is_list(name) or _parts_are_labels(name, known)), None)
    if several is None:
        return None
    return f"the label {several!r} of row {row_ids[column.index(several).as_py()] + 1} is several at once"


def why_no_label_sets(labels: Contract, column: pa.ChunkedArray) -> str | None:
    """Why a label column cannot be several labels a text: lists of 0 and 1, or a name for nearly every row; or None.

    Args:
        labels: The names found.
        column: The training split's labels, none of them blank.
    Shape:
        column (N,).
    """
    if set(labels.names) <= {"0", "1"} and any(cell.startswith("[") for cell in column.unique().to_pylist()):
        return (
            "the lists of labels hold 0 and 1 alone: write the names of the labels that a text has, or give each label "
            "a column of 0 and 1 (data.label=[joy,fear])"
        )
    if len(column) >= _FEW_ROWS and len(labels) > len(column) / 2:
        return (
            f"the label column holds {len(labels)} different labels in {len(column)} rows: is it another column, or "
            "are labels separated by something else? (data.label and task.separator say so)"
        )
    return None


def _parts_are_labels(name: str, names: set[str]) -> bool:
    for separator in SEPARATORS:
        parts = [part.strip() for part in name.split(separator)]
        if len(parts) > 1 and all(part in names for part in parts):
            return True
    return False


def _as_number(name: str) -> float | None:
    try:
        value = float(name)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
