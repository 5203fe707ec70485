"""Recognises label columns that hold something else than one class per text."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from poolsweep.tasks.contract import Contract

_SEPARATORS = ("|", ";", ",")
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
        >>> why_no_classes(Labels.from_names(column.to_pylist()), column, row_ids=np.arange(3)).split(",")[0]
        "the label 'joy|fear' of row 3 is several at once"
    """
    several = next((name for name in labels.names if _parts_are_labels(name, set(labels.names))), None)
    if several is not None:
        first = row_ids[column.index(several).as_py()] + 1
        return (
            f"the label {several!r} of row {first} is several at once, and poolsweep trains one label per text; "
            "with data.labels=[…] such names count as labels of their own"
        )
    numbers = [_as_number(name) for name in labels.names]
    if len(numbers) > _MOST_NUMBERS and any(n is not None and n % 1 for n in numbers) and None not in numbers:
        return (
            f"the label column holds {len(labels)} different numbers ({labels.names[0]} to {labels.names[-1]}): "
            "scores, which poolsweep does not predict; it needs classes"
        )
    if len(column) >= _FEW_ROWS and len(labels) > len(column) / 2:
        return (
            f"the label column holds {len(labels)} different labels in {len(column)} rows: is it another column? "
            "(data.label names it)"
        )
    return None


def _parts_are_labels(name: str, names: set[str]) -> bool:
    for separator in _SEPARATORS:
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
