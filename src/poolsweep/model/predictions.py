"""Every example's prediction, in the order of its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from poolsweep.data.batch import Batch
from poolsweep.data.pair_rows import Lengths
from poolsweep.distributed.group import all_gather
from poolsweep.files.writing import write_json, write_whole
from poolsweep.runs.folder import RunFolder
from poolsweep.tasks import Contract, Task


class Predictions:
    """Collects the predictions of one split and writes them as a table.

    Args:
        task: Says what is stored of logits.
        contract: The target contract.
    Attributes:
        contract: The target contract, which decides what was predicted when it is written.
    """

    def __init__(self, task: Task, contract: Contract) -> None:
        self._task, self.contract = task, contract
        self._row_ids: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._logits: list[Tensor] = []

    def add(self, batch: Batch, logits: Tensor) -> None:
        """Add a batch; logits (B, C)."""
        self._row_ids.append(batch.row_ids.cpu())
        self._targets.append(batch.targets.cpu())
        self._logits.append(logits.detach().cpu())

    def gather(self) -> None:
        """Bring the rows of all processes together, on every process."""
        for parts in (self._row_ids, self._targets, self._logits):
            mine = torch.cat(parts) if parts else None  # a process may have had no batch
            parts[:] = [part for part in all_gather(mine) if part is not None]

    def settled(self) -> Contract:
        """The contract with what the rows so far decide, if they are those of validation."""
        _, targets, logits = self._by_row_id()
        return self._task.settled(self.contract, targets, logits)

    def _by_row_id(self) -> tuple[np.ndarray, np.ndarray, Tensor]:
        """Row ids, targets and logits, the same however the rows were shared among processes."""
        row_ids, targets, logits = (torch.cat(parts) for parts in (self._row_ids, self._targets, self._logits))
        order = row_ids.argsort(stable=True)
        return row_ids[order].numpy(), targets[order].numpy(), logits[order]

    def write(self, path: Path, *, texts: Lengths | None = None) -> None:
        """Write a column row_id and those of the task, by row id.

        With the lengths of the texts, also tokens (how many the encoder read) and truncated (whether one was cut).

        Args:
            path: A parquet file; it appears whole or not at all.
            texts: The split that was predicted.
        """
        row_ids, targets, logits = self._by_row_id()
        predicted = self._task.predicted(self.contract, logits).numpy()
        columns = {"row_id": row_ids, **self._task.columns(self.contract, targets, predicted)}
        if texts is not None:
            known = np.asarray(texts.row_ids)
            place = np.argsort(known, kind="stable")
            place = place[np.searchsorted(known, row_ids, sorter=place)]
            columns |= {"tokens": texts.lengths[place].astype(np.int32), "truncated": texts.truncated[place]}
        with write_whole(path) as temporary:
            pq.write_table(pa.table(columns), temporary)


def write_contract(folder: RunFolder, contract: Contract) -> None:
    """Write ``labels.json``, which says how predictions are to be read.

    Args:
        folder: The run's.
        contract: Contract as the run began with it, or as validation settled it.
    """
    write_json(folder.labels, contract.to_mapping())
