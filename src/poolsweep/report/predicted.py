"""Reads what runs predicted on the test or the validation split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray
from pyarrow import compute

from poolsweep.files.writing import read_json
from poolsweep.runs.records import read_checked

if TYPE_CHECKING:
    from poolsweep.report.results import RunRecord

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them
_held: WeakValueDictionary[tuple[str, bytes], NDArray[Any]] = WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class Predicted:
    """One run's predictions on one split, by row id.

    Attributes:
        row_ids: Row of each example in its file.
        labels: Label ids.
        predicted: Label ids.
        names: ``names[i]`` is the name of label id i.
        probabilities: Probability of each label; None unless asked for.
        tokens: Tokens of each text as the encoder read it; None where the run did not record them.
        truncated: Whether each text was cut; None where the run did not record it.

    Shape:
        row_ids, labels, predicted, tokens, truncated (N,); probabilities (N, C) float32.
    """

    row_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    names: tuple[str, ...]
    probabilities: NDArray[np.float32] | None
    tokens: NDArray[np.int64] | None
    truncated: NDArray[np.bool_] | None

    @property
    def rows_hash(self) -> str:
        """A fingerprint of which rows were tested and what their labels are."""
        return xxhash.xxh3_64_hexdigest(self.row_ids.tobytes() + self.labels.tobytes())


def read_predictions(run: RunRecord, *, split: str = "test", probabilities: bool = False) -> Predicted | None:
    """Read a run's predictions; None where there are none, or not whole.

    Args:
        run: A finished run.
        split: Validation or test.
        probabilities: Whether to read them too: they are most of the file.
    Raises:
        DamagedError: If the file is not what it was when the run finished.
    """
    place = f"predictions-{split}"
    if not probabilities and place in run.kept:
        return run.kept[place]
    found = _read(run, run.folder.predictions(split), probabilities=probabilities)
    if not probabilities:
        run.kept[place] = found
    return found


def scores_of(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> dict[str, float]:
    """Accuracy, macro F1 over the labels that occur, and Matthews correlation, as a run's metrics have them.

    Shape:
        labels, predicted (N,).
    Example:
        >>> scores_of(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
        {'accuracy': 0.75, 'f1_macro': 0.7333333333333334, 'mcc': 0.5773502691896258}
    """
    size, count = len(labels), int(max(labels.max(), predicted.max())) + 1
    has, gets, both = (
        np.bincount(ids, minlength=count).astype(np.float64) for ids in (labels, predicted, labels[labels == predicted])
    )
    occurs = has + gets > 0
    spread = (size**2 - (gets**2).sum()) * (size**2 - (has**2).sum())
    return {
        "accuracy": float(both.sum() / size),
        "f1_macro": float((2 * both[occurs] / (has + gets)[occurs]).mean()),
        "mcc": float((both.sum() * size - (has * gets).sum()) / spread**0.5) if spread > 0 else 0.0,
    }


def _read(run: RunRecord, path: Path, *, probabilities: bool) -> Predicted | None:
    mapping = _ids_by_name(read_json(run.folder.labels))
    if mapping is None or not path.exists():
        return None
    names = tuple(sorted(mapping, key=lambda name: mapping[name]))
    content = read_checked(run.path, path.name, run.facts)
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        known = [n for n in ("row_id", "label", "predicted", "tokens", "truncated") if n in file.schema_arrow.names]
        table = file.read(columns=[*known, "probabilities"] if probabilities else known).sort_by("row_id")
        labels, predicted = (_ids(table.column(name), names) for name in ("label", "predicted"))
        rows = table.column("row_id").to_numpy().astype(np.int64)
        chances = _matrix(table.column("probabilities"), len(names)) if probabilities else None
    except (pa.ArrowException, OSError, KeyError, ValueError):
        return None
    if len(np.unique(rows)) != len(rows) or not len(rows) or min(labels.min(), predicted.min()) < 0:
        return None
    tokens = table.column("tokens").to_numpy().astype(np.int64) if "tokens" in known else None
    cut = table.column("truncated").to_numpy(zero_copy_only=False).astype(bool) if "truncated" in known else None
    tokens, cut = (None if found is None else _held_once(found) for found in (tokens, cut))
    return Predicted(_held_once(rows), _held_once(labels), predicted, names, chances, tokens, cut)


def _held_once(array: NDArray[Any]) -> NDArray[Any]:
    """An array that another run has too is that one: thousands of runs are tested on the same texts."""
    array.flags.writeable = False
    return _held.setdefault((array.dtype.str, xxhash.xxh3_128_digest(array.tobytes())), array)


def _ids_by_name(content: Any) -> dict[str, int] | None:  # noqa: ANN401
    if not isinstance(content, dict) or sorted(map(str, content.values())) != sorted(map(str, range(len(content)))):
        return None
    return content


def _ids(column: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.int64]:
    ids = pc.fill_null(pc.index_in(column, value_set=pa.array(names, pa.string())), -1)
    return ids.to_numpy().astype(np.int64)


def _matrix(column: pa.ChunkedArray, num_labels: int) -> NDArray[np.float32]:
    return column.combine_chunks().flatten().to_numpy().reshape(-1, num_labels).astype(np.float32)
