"""Which rows count as alike when they are dealt out, and which must stay together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from poolsweep.data.same_text import text_keys
from poolsweep.data.splits import Split

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them

# Of a column of targets: classes (N,) or several marks for each row (N, C); None = all rows are alike.
Strata = Callable[[pa.ChunkedArray], np.ndarray | None]


def by_label(column: pa.ChunkedArray) -> np.ndarray:
    """Each label is a class, and a missing one too: it is named with its row when all is checked."""
    return pc.fill_null(column, "").to_numpy().astype(object)


def codes_of(strata: np.ndarray | None, *, rows: int) -> np.ndarray:
    """Strata as numbers in the order of their values; rows with the same marks are one class.

    Args:
        strata: Classes or marks.
        rows: N.
    Shape:
        strata (N,) or (N, C); returns (N,) int64.
    Example:
        >>> codes_of(np.array(["b", "a", "b"], dtype=object), rows=3), codes_of(None, rows=2)
        (array([1, 0, 1]), array([0, 0]))
    """
    if strata is None:
        return np.zeros(rows, dtype=np.int64)
    axis = 0 if strata.ndim == 2 else None
    return np.unique(strata, axis=axis, return_inverse=True)[1].reshape(-1)


def kept_together(split: Split) -> np.ndarray:
    """A number for each row; rows that have the same one go into the same split.

    Those are rows with the same text, and, where the split has a column ``group``, rows of the same group. A row
    without a group is a group of its own.

    Args:
        split: Rows that are to be divided.
    Shape:
        Returns (N,) int64.
    """
    texts = np.unique(text_keys(split), return_inverse=True)[1]
    if "group" not in split.rows.column_names:
        return texts
    column = pc.utf8_trim_whitespace(pc.fill_null(split.column("group"), ""))
    names, groups = np.unique(column.to_numpy().astype(object), return_inverse=True)
    alone = groups == (0 if len(names) and names[0] == "" else -1)
    groups[alone] = len(names) + np.arange(alone.sum())
    return _connected(texts, groups)


def units_of(together: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What stays together, numbered as it first appears, whatever its own numbers are.

    Args:
        together: Rows of the same number stay together.
    Returns:
        The first row of each unit, and the unit of each row.
    Shape:
        together (N,); returns (U,) and (N,) int64.
    Example:
        >>> units_of(np.array([7, 3, 7]))
        (array([0, 1]), array([0, 1, 0]))
    """
    _, first, unit = np.unique(together, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[unit]


def marks_of_units(marks: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """The marks that any row of a unit has.

    Shape:
        marks (N, C) and unit (N,); returns (U, C) bool.
    """
    found = np.zeros((int(unit.max(initial=-1)) + 1, marks.shape[1]), dtype=bool)
    np.logical_or.at(found, unit, marks.astype(bool))
    return found


def _connected(texts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Rows that share a text or a group with a row that shares one with another, and so on."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first = int(texts.max(initial=-1)) + 1
    size = first + int(groups.max(initial=-1)) + 1
    links = coo_array((np.ones(len(texts), dtype=np.int8), (texts, first + groups)), shape=(size, size))
    return connected_components(links, directed=False)[1][texts].astype(np.int64)
