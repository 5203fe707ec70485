"""The rows that an export is proven on: the run's test split, read again, or a file that the user names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poolsweep.data.splits import Split
from poolsweep.errors import UserError
from poolsweep.predict.model import Reads
from poolsweep.predict.rows.opening import open_rows
from poolsweep.report.predicted import read_predictions
from poolsweep.report.results import RunRecord
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.records import DamagedError
from poolsweep.training.load import LoadedRun
from poolsweep.training.sources import data_identity, load_data


@dataclass(frozen=True)
class Recorded:
    """What the run predicted of its test rows when it was trained, in its own precision.

    Attributes:
        targets: Targets as the task has them.
        outputs: What it was decided from, (N, C).
    """

    targets: np.ndarray
    outputs: np.ndarray


@dataclass(frozen=True)
class ProofRows:
    """Texts that the exported model is run on.

    Attributes:
        origin: What they are, for messages: ``test rows`` or the name of a file.
        texts: One or more; with two towers each text of a pair by itself.
        pairs: The second text of each, for pairs.
        recorded: What the run predicted of them; None for other rows than its test split.
    """

    origin: str
    texts: list[str]
    pairs: list[str] | None = None
    recorded: Recorded | None = None

    def __len__(self) -> int:
        return len(self.texts)


def rows_of_test_split(run: LoadedRun, folder: RunFolder) -> ProofRows:
    """The test rows, in the order of their row ids, if they are what they were when the run was trained.

    Args:
        run: A finished run.
        folder: The run's folder.
    Raises:
        UserError: If they are gone or have changed.
    """
    ask = "name rows to prove the export on: --proof FILE"
    try:
        splits, contract = load_data(run.config.data, run.config.task)
    except UserError as error:
        raise UserError(*(f"the test rows cannot be read again: {each}; {ask}" for each in error.problems)) from error
    told = (folder.finished() or {}).get("data_id")
    if contract.names != run.contract.names or (
        told is not None and data_identity(run.config.data, splits)["data_id"] != told
    ):
        raise UserError(f"the data set has changed since the run was trained; {ask}")
    split = splits.test
    if split is None:
        raise UserError(f"the run was fitted on all rows, and none are left to prove its export on; {ask}")
    order = np.argsort(split.row_ids, kind="stable")
    recorded = _recorded(run, folder, split, order)
    if recorded is None:
        raise UserError(f"the test split is not the one that the run was tested on; {ask}")
    texts = _texts(split, "text", order)
    pairs = _texts(split, "text_pair", order) if split.is_pair else None
    if pairs is not None and run.classifier.pairs.two_towers:
        return ProofRows("test rows", [*texts, *pairs])
    return ProofRows("test rows", texts, pairs, recorded)


def rows_of_proof_file(path: Path, reads: Reads) -> ProofRows:
    """The rows of a file, with the columns of the run; it needs no labels.

    Args:
        path: A file that ``predict`` reads.
        reads: Names of the columns.
    Raises:
        UserError: If it cannot be read, or has no rows.
    """

    def refuse(row: int, reason: str) -> None:
        raise UserError(f"--proof={path}, row {row}: {reason}")

    rows = open_rows(str(path), text=reads.text, text_pair=reads.text_pair, on_bad_row=refuse, option="--proof")
    texts: list[str] = []
    pairs: list[str] = []
    for window in rows.windows(after=0):
        texts += window.texts
        pairs += window.pairs or []
    if not texts:
        raise UserError(f"--proof={path} has no rows")
    return ProofRows(str(path), texts, None if reads.text_pair is None else pairs)


def _texts(split: Split, column: str, order: np.ndarray) -> list[str]:
    texts = [text for part in split.slices(column) for text in part.to_pylist()]
    return [texts[i] for i in order]


def _recorded(run: LoadedRun, folder: RunFolder, split: Split, order: np.ndarray) -> Recorded | None:
    """The recorded predictions, if they are of the same rows and targets."""
    try:
        found = read_predictions(RunRecord(folder.path, folder.finished() or {}), outputs=True)
    except DamagedError as error:
        raise UserError(f"{folder.predictions('test')} cannot be read: {error}") from error
    if found is None or found.outputs is None:
        raise UserError(f"{folder.predictions('test')} cannot be read")
    targets = run.contract.encode(split.column("label"))[order]
    same = np.array_equal(found.row_ids, np.asarray(split.row_ids)[order]) and np.array_equal(found.targets, targets)
    return Recorded(targets, found.outputs.reshape(len(targets), -1)) if same else None
