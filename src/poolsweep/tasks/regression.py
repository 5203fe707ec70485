"""One score per text or pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from poolsweep.errors import UserError
from poolsweep.tasks.contract import Contract
from poolsweep.tasks.scale import Scale
from poolsweep.tasks.task import Outcomes, Readout, Task

if TYPE_CHECKING:
    from torch import Tensor

_MOST_STRATA = 10
_ROWS_OF_A_STRATUM = 50  # of fewer, a tenth is rounded coarsely


@dataclass(frozen=True)
class Regression(Task):
    """Each text has a score; the loss reads scores that are standardised by mean and spread of the training split.

    A logit is a standardised score; with bounds it goes through a sigmoid from the lower to the higher one.

    Attributes:
        bounds: Lowest and highest score that can be predicted; None = any number.
    """

    bounds: tuple[float, float] | None = None

    name = "regression"
    metrics = ("pearson", "spearman", "mae", "rmse")
    default_metrics = ("pearson", "spearman", "mae", "rmse")
    default_loss = "mse"
    losses = ("mse", "huber")
    link = "ridge"
    has_labels = False
    charts = ("scatter",)

    def option_problems(self) -> list[str]:
        """Bounds in the wrong order."""
        if self.bounds is None or self.bounds[0] < self.bounds[1]:
            return []
        return [f"task.bounds must be two numbers, the lower one first, got {list(self.bounds)}"]

    def why_no_probe(self) -> str | None:
        """Bounds: what is solved is linear."""
        if self.bounds is None:
            return None
        return "trainer=probe solves a linear head, whose scores have no bounds: task.bounds=null"

    def contract(self, column: pa.ChunkedArray, *, given: Sequence[str] | None) -> Scale:
        """Mean and spread of the training scores."""
        if given is not None:
            raise UserError(
                f"the labels have names ({', '.join(map(repr, given[:3]))}, …): task=regression reads numbers, and "
                "task=classification learns names"
            )
        return Scale.of(column, bounds=self.bounds)

    def read_contract(self, content: Any) -> Scale:  # noqa: ANN401
        """Mean, spread and bounds."""
        return Scale.read(content)

    def objection(self, contract: Contract, column: pa.ChunkedArray, *, row_ids: np.ndarray) -> str | None:
        """Words in most rows."""
        odd = np.isnan(contract.encode(column))
        if odd.mean() <= 0.5:
            return None
        first = int(np.flatnonzero(odd)[0])
        return (
            f"the label {column[first].as_py()!r} of row {row_ids[first] + 1} is no finite number, nor are most "
            "others: task=regression reads scores, and task=classification learns names"
        )

    def too_few(self, contract: Contract) -> str | None:
        """A single score."""
        assert isinstance(contract, Scale)
        return None if contract.std > 0 else f"training needs scores that differ, found {contract.mean:g} alone"

    def strata(self, column: pa.ChunkedArray) -> np.ndarray:
        """Up to ten ranges of scores with about the same number of rows."""
        scores = Scale(0.0, 1.0).encode(column)
        known = scores[np.isfinite(scores)]
        parts = min(_MOST_STRATA, len(known) // _ROWS_OF_A_STRATUM)
        if parts < 2:
            return np.zeros(len(scores), dtype=np.int64)
        edges = np.quantile(known, np.arange(1, parts) / parts)
        return np.where(np.isfinite(scores), np.searchsorted(edges, scores), -1)

    def for_loss(self, contract: Contract, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Predicted and true scores (B,), both standardised."""
        assert isinstance(contract, Scale)
        wanted = ((_exact(targets) - contract.mean) / contract.std).to(logits)
        return (_bounded(contract, logits) if contract.bounds else logits)[:, 0], wanted

    def predicted(self, contract: Contract, logits: Tensor) -> Tensor:
        """Scores in the units of the data, (B, 1) float64: no two logits become one score."""
        assert isinstance(contract, Scale)
        logits = _exact(logits)
        return (_bounded(contract, logits) if contract.bounds else logits) * contract.std + contract.mean

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

    def readout(self, contract: Contract) -> Readout:
        """The layer's own number in the units of the data, or a sigmoid between the bounds."""
        assert isinstance(contract, Scale)
        own = Scale(0.0, 1.0, contract.bounds)
        if contract.bounds is None:
            return Readout(
                problem_type="regression", activation="none", contract=own, factor=contract.std, shift=contract.mean
            )
        low, high = contract.bounds
        return Readout(problem_type="regression", activation="sigmoid", contract=own, low=low, span=high - low)


def _exact(numbers: Tensor) -> Tensor:
    return (numbers.cpu() if numbers.device.type == "mps" else numbers).double()  # mps has no float64


def _bounded(contract: Scale, logits: Tensor) -> Tensor:
    """Standardised scores within the bounds: ``low + (high - low) · sigmoid(logit)``, standardised."""
    assert contract.bounds is not None
    low, high = contract.bounds
    return (low + (high - low) * logits.sigmoid() - contract.mean) / contract.std
