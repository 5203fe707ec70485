"""Reads what runs predicted on the test or the validation split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from poolsweep.files.writing import read_json
from poolsweep.runs.records import read_checked
from poolsweep.tasks import TASKS, Contract, Outcomes, Task

if TYPE_CHECKING:
    from poolsweep.report.results import RunRecord

_held: WeakValueDictionary[tuple[str, bytes], NDArray[Any]] = WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class Predicted(Outcomes):
    """One run's predictions on one split, by row id.

    Attributes:
        row_ids: Row of each example in its file.
        task: Says what targets are, and how they are scored.
        contract: Says what each output stands for.
        tokens: Tokens of each text as the encoder read it; None where the run did not record them.
        truncated: Whether each text was cut; None where the run did not record it.

    Shape:
        row_ids, tokens, truncated (N,).
    """

    row_ids: NDArray[np.int64]
    task: Task
    contract: Contract
    tokens: NDArray[np.int64] | None
    truncated: NDArray[np.bool_] | None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outputs: of label id i, ``names[i]``."""
        return self.contract.names

    @property
    def rows_hash(self) -> str:
        """A fingerprint of which rows were tested and what their targets are."""
        return xxhash.xxh3_64_hexdigest(self.row_ids.tobytes() + self.targets.tobytes())

    def scores(self, metric: str) -> NDArray[np.float64]:
        """A score for each text, whose mean is the metric; (N,)."""
        return self.task.scores(metric, self)

    @property
    def right(self) -> NDArray[np.bool_] | None:
        """Whether each text is right, (N,); None where the task knows no right or wrong."""
        return self.task.right(self)

    def recomputed(self) -> Mapping[str, float]:
        """Metrics that follow from what was decided, as the run recorded them."""
        return self.task.recomputed(self)


def read_predictions(run: RunRecord, *, split: str = "test", outputs: bool = False) -> Predicted | None:
    """Read a run's predictions; None where there are none, or not whole.

    Args:
        run: A finished run.
        split: Validation or test.
        outputs: Whether to read them too, where there is a column of them: it is most of the file.
    Raises:
        DamagedError: If the file is not what it was when the run finished.
    """
    place = f"predictions-{split}"
    if not outputs and place in run.kept:
        return run.kept[place]
    found = _read(run, run.folder.predictions(split), outputs=outputs)
    if not outputs:
        run.kept[place] = found
    return found


def _read(run: RunRecord, path: Path, *, outputs: bool) -> Predicted | None:
    task = task_of(run.facts)
    if task is None or not path.exists():
        return None
    content = read_checked(run.path, path.name, run.facts)
    try:
        contract = task.read_contract(read_json(run.folder.labels))
        file = pq.ParquetFile(pa.BufferReader(content))
        wanted = ("row_id", "label", "predicted", "tokens", "truncated", *((task.output_column,) if outputs else ()))
        table = file.read(columns=[name for name in wanted if name in file.schema_arrow.names]).sort_by("row_id")
        found = task.read_columns(contract, table)
        rows = table.column("row_id").to_numpy().astype(np.int64)
        known = table.column_names
        tokens = table.column("tokens").to_numpy().astype(np.int64) if "tokens" in known else None
        cut = table.column("truncated").to_numpy(zero_copy_only=False).astype(bool) if "truncated" in known else None
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError, AttributeError):  # columns of other types
        return None
    if len(np.unique(rows)) != len(rows) or not len(rows):
        return None
    tokens, cut = (None if array is None else _held_once(array) for array in (tokens, cut))
    return Predicted(
        _held_once(found.targets), found.predicted, found.outputs, _held_once(rows), task, contract, tokens, cut
    )


def task_of(facts: Mapping[str, Any]) -> Task | None:
    """The task of a run, by its name; None where it has none that is known here.

    Args:
        facts: Content of its ``result.json``.
    """
    kind = TASKS.get(str(facts.get("task")))
    return None if kind is None else kind()


def _held_once(array: NDArray[Any]) -> NDArray[Any]:
    """An array that another run has too is that one: thousands of runs are tested on the same texts."""
    array.flags.writeable = False
    return _held.setdefault((array.dtype.str, xxhash.xxh3_128_digest(array.tobytes())), array)
