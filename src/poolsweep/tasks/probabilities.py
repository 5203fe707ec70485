"""The column of a predictions file with a probability for each label; of every task whose outputs are such."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from poolsweep.tasks.contract import Contract

PROBABILITIES = "probabilities"


def probabilities_column(outputs: np.ndarray) -> pa.FixedSizeListArray:
    """A list for each row.

    Shape:
        outputs (N, C).
    """
    return pa.FixedSizeListArray.from_arrays(outputs.ravel(), outputs.shape[1])


def read_probabilities(contract: Contract, table: pa.Table) -> np.ndarray | None:
    """What ``probabilities_column`` wrote, (N, C) float32; None where the table has no such column."""
    if PROBABILITIES not in table.column_names:
        return None
    flat = table.column(PROBABILITIES).combine_chunks().flatten().to_numpy()
    return flat.reshape(-1, len(contract)).astype(np.float32)
