"""What differs between tasks: no other file asks which task it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from poolsweep.tasks.labels import Labels

if TYPE_CHECKING:
    from torch import Tensor
    from torchmetrics import MetricCollection


class Task(ABC):
    """How targets are read, measured and predicted.

    Attributes:
        name: Name that ``task=`` chooses it by.
        metrics: Names of the metrics of a split; ``direction`` says which way each is better.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]

    @property
    def monitored(self) -> tuple[str, ...]:
        """Metrics that may select a checkpoint."""
        return tuple(f"val/{name}" for name in self.metrics)

    @abstractmethod
    def labels(self, column: pa.ChunkedArray, *, given: Sequence[str] | None) -> Labels:
        """The target contract.

        Args:
            column: Targets of the training split, none of them blank.
            given: Names in the order of their ids; None = they follow from the column.
        Raises:
            UserError: If the given names are none.
        """

    @abstractmethod
    def objection(self, labels: Labels, column: pa.ChunkedArray, *, row_ids: np.ndarray) -> str | None:
        """Why a target column cannot be one of this task; None if it can.

        Args:
            labels: What ``labels`` gave.
            column: Targets of the training split, none of them blank.
            row_ids: Rows of these in the file, 0 = first after the header.
        Shape:
            column and row_ids (N,).
        """

    @abstractmethod
    def output_size(self, labels: Labels) -> int:
        """Number of logits of a text."""

    @abstractmethod
    def measures(self, outputs: int, *, prefix: str) -> MetricCollection:
        """The metrics of a split, its loss aside.

        Args:
            outputs: Number of logits of a text.
            prefix: ``val/`` or ``test/``.
        """

    @abstractmethod
    def predicted(self, logits: Tensor) -> Tensor:
        """What is stored of logits (B, C): one row per text."""

    @abstractmethod
    def columns(self, labels: Labels, targets: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
        """Columns of a predictions file.

        Args:
            labels: The target contract.
            targets: Target of each text.
            predicted: What ``predicted`` gave.
        Shape:
            targets (N,); predicted (N, C).
        """

    @abstractmethod
    def answers(self, labels: Labels, predicted: np.ndarray, *, all_outputs: bool) -> dict[str, pa.Array]:
        """Columns of a file of predictions for texts whose targets nobody knows.

        Args:
            labels: The target contract.
            predicted: What ``predicted`` gave.
            all_outputs: Whether every output has a column of its own, too.
        Shape:
            predicted (N, C); every column (N,).
        """
