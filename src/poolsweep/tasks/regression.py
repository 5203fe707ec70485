"""One score per text or pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from poolsweep.errors import UserError
from poolsweep.tasks.contract import Contract
from poolsweep.tasks.outcomes import Readout
from poolsweep.tasks.scale import Scale
from poolsweep.tasks.score_task import ScoreTask, exact

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Regression(ScoreTask):
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

    def too_few(self, contract: Contract) -> str | None:
        """A single score."""
        assert isinstance(contract, Scale)
        return None if contract.std > 0 else f"training needs scores that differ, found {contract.mean:g} alone"

    def for_loss(self, contract: Contract, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Predicted and true scores (B,), both standardised."""
        assert isinstance(contract, Scale)
        wanted = ((exact(targets) - contract.mean) / contract.std).to(logits)
        return self._standardised(contract, logits), wanted

    def divergence(self, contract: Contract, one: Tensor, other: Tensor) -> Tensor:
        """The squared difference of both standardised scores."""
        return (self._standardised(contract, one) - self._standardised(contract, other)).square()

    def _standardised(self, contract: Contract, logits: Tensor) -> Tensor:
        assert isinstance(contract, Scale)
        return (_bounded(contract, logits) if contract.bounds else logits)[:, 0]

    def predicted(self, contract: Contract, logits: Tensor) -> Tensor:
        """Scores in the units of the data, (B, 1) float64: no two logits become one score."""
        assert isinstance(contract, Scale)
        logits = exact(logits)
        return (_bounded(contract, logits) if contract.bounds else logits) * contract.std + contract.mean

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


def _bounded(contract: Scale, logits: Tensor) -> Tensor:
    """Standardised scores within the bounds: ``low + (high - low) · sigmoid(logit)``, standardised."""
    assert contract.bounds is not None
    low, high = contract.bounds
    return (low + (high - low) * logits.sigmoid() - contract.mean) / contract.std
