"""What tasks have in common whose targets are scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from poolsweep.tasks.contract import Contract
from poolsweep.tasks.outcomes import Outcomes
from poolsweep.tasks.scale import Scale
from poolsweep.tasks.task import Task

if TYPE_CHECKING:
    from torch import Tensor

_MOST_STRATA = 10
_ROWS_OF_A_STRATUM = 50  # of fewer, a tenth is rounded coarsely


@dataclass(frozen=True)
class ScoreTask(Task):
    """Each text, or pair of texts, has a score; so have predictions."""

    has_labels = False
    charts = ("scatter",)

    def objection(self, contract: Contract, column: pa.ChunkedArray, *, row_ids: np.ndarray) -> str | None:
        """Words in most rows."""
        odd = np.isnan(contract.encode(column))
        if odd.mean() <= 0.5:
            return None
        first = int(np.flatnonzero(odd)[0])
        return (
            f"the label {column[first].as_py()!r} of row {row_ids[first] + 1} is no finite number, nor are most "
            f"others: task={self.name} reads scores, and task=classification learns names"
        )

    def strata(self, column: pa.ChunkedArray) -> np.ndarray:
        """Up to ten ranges of scores with about the same number of rows."""
        scores = Scale(0.0, 1.0).encode(column)
        known = scores[np.isfinite(scores)]
        parts = min(_MOST_STRATA, len(known) // _ROWS_OF_A_STRATUM)
        if parts < 2:
            return np.zeros(len(scores), dtype=np.int64)
        edges = np.quantile(known, np.arange(1, parts) / parts)
        return np.where(np.isfinite(scores), np.searchsorted(edges, scores), -1)

    def columns(self, contract: Contract, targets: np.ndarray, outputs: np.ndarray) -> dict[str, Any]:
        """Columns label and predicted (float64)."""
        return {"label": targets.astype(np.float64), "predicted": outputs[:, 0].astype(np.float64)}

    def read_columns(self, contract: Contract, table: pa.Table) -> Outcomes:
        """Scores, all of them finite."""
        targets, predicted = (table.column(name).to_numpy().astype(np.float64) for name in ("label", "predicted"))
        if not (np.isfinite(targets).all() and np.isfinite(predicted).all()):
            raise ValueError("a score is no finite number")
        return Outcomes(targets, predicted, predicted)

    def scores(self, metric: str, found: Outcomes) -> np.ndarray:
        """See ``poolsweep.statistics.influence``."""
        from poolsweep.statistics.influence import NUMBER_SCORES

        return NUMBER_SCORES[metric](found.targets, found.predicted)

    def recomputed(self, found: Outcomes) -> Mapping[str, float]:
        """All metrics, as a run's have them.

        Example:
            >>> from poolsweep.tasks import Regression
            >>> scores = np.array([1.0, 2.0, 4.0])
            >>> found = Regression().recomputed(Outcomes(scores, scores + 1, None))
            >>> {name: round(value, 4) for name, value in found.items()}
            {'pearson': 1.0, 'spearman': 1.0, 'mae': 1.0, 'rmse': 1.0}
        """
        return {name: float(self.scores(name, found).mean()) for name in self.metrics}

    def answers(self, contract: Contract, outputs: np.ndarray, *, all_outputs: bool) -> dict[str, pa.Array]:
        """A column predicted, of scores."""
        return {"predicted": pa.array(outputs[:, 0])}

    def decided(self, contract: Contract, outputs: np.ndarray) -> np.ndarray:
        """The scores."""
        return outputs[:, 0].astype(np.float64)

    def errors(self, contract: Contract, found: Outcomes) -> np.ndarray:
        """How far each score is from the true one."""
        return np.abs(found.predicted - found.targets)


def exact(numbers: Tensor) -> Tensor:
    """Numbers in float64."""
    from poolsweep.device import in_float64

    return in_float64(numbers)
