"""The cosine of two texts against a score; nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from poolsweep.errors import UserError
from poolsweep.tasks.contract import Contract
from poolsweep.tasks.outcomes import Outcomes
from poolsweep.tasks.scale import Scale
from poolsweep.tasks.score_task import ScoreTask, exact

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Similarity(ScoreTask):
    """How well the cosine of the pooled vectors of two texts orders pairs as their scores do.

    Reference:
        Reimers and Gurevych (2019), "Sentence-BERT", arXiv:1908.10084, table 1. Differs: none.
    """

    name = "similarity"
    metrics = ("spearman", "pearson")
    default_metrics = ("spearman", "pearson")
    default_loss = "mse"
    losses = ("mse",)
    trains = False

    def contract(self, column: pa.ChunkedArray, *, given: Sequence[str] | None) -> Scale:
        """Mean and spread of the scores, for the record: no prediction depends on them."""
        if given is not None:
            raise UserError(
                "task=similarity reads numbers, and the labels have names; task=classification learns names"
            )
        return Scale.of(column, bounds=None)

    def read_contract(self, content: Any) -> Scale:  # noqa: ANN401
        """Mean and spread."""
        return Scale.read(content)

    def too_few(self, contract: Contract) -> str | None:
        """A single score."""
        assert isinstance(contract, Scale)
        return None if contract.std > 0 else f"a correlation needs scores that differ, found {contract.mean:g} alone"

    def predicted(self, contract: Contract, logits: Tensor) -> Tensor:
        """Cosines, (B, 1) float64."""
        return exact(logits)

    def errors(self, contract: Contract, found: Outcomes) -> np.ndarray:
        """How far the rank of each cosine is from that of its score, as a share of the pairs."""
        from scipy.stats import rankdata

        return np.abs(rankdata(found.predicted) - rankdata(found.targets)) / max(1, len(found.targets))

    def readout(self, contract: Contract) -> None:
        """None: there is no head."""
