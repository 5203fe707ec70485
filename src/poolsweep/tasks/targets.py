"""How a task reads the target column."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from poolsweep.tasks.contract import Contract


class Targets(ABC):
    """What a task makes of the targets of texts."""

    @classmethod
    def recognised(cls, column: pa.ChunkedArray, *, row_ids: np.ndarray, given: Sequence[str] | None) -> str | None:
        """What of a target column leaves no doubt that it is for this task, in half a sentence; None = nothing.

        Args:
            column: Targets of the training split, none of them blank.
            row_ids: Rows of these in the file, 0 = first after the header.
            given: Label names of the config or of the source; None = they follow from the column.
        """
        return None

    @abstractmethod
    def contract(self, column: pa.ChunkedArray, *, given: Sequence[str] | None) -> Contract:
        """The target contract.

        Args:
            column: Targets of the training split, none of them blank.
            given: Names in the order of their ids; None = they follow from the column.
        Raises:
            UserError: If the given names are none.
        """

    @abstractmethod
    def read_contract(self, content: Any) -> Contract:  # noqa: ANN401
        """The contract that ``labels.json`` holds, which may be a stranger's.

        Raises:
            ValueError: If it is none.
        """

    @abstractmethod
    def objection(self, contract: Contract, column: pa.ChunkedArray, *, row_ids: np.ndarray) -> str | None:
        """Why a target column cannot be one of this task; None if it can.

        Args:
            contract: What ``contract`` gave.
            column: Targets of the training split, none of them blank, (N,).
            row_ids: Rows of these in the file, 0 = first after the header, (N,).
        """

    @abstractmethod
    def too_few(self, contract: Contract) -> str | None:
        """Why nothing can be learnt of such targets, such as a single label; None if it can."""

    @abstractmethod
    def strata(self, column: pa.ChunkedArray) -> np.ndarray:
        """What every split should have its share of: classes (N,), or several marks for each text (N, C).

        Args:
            column: Targets of rows that are to be split, (N,) string, null where one is missing.
        """

    def classes(self, targets: np.ndarray) -> np.ndarray | None:
        """What a bootstrap sample of training rows has as many of as there are; None = it is drawn from all rows.

        Shape:
            targets (N, …); returns (N,).
        """
        return None

    def notes(self, contract: Contract, column: pa.ChunkedArray) -> tuple[str, ...]:
        """What a user should know of how targets were read.

        Args:
            contract: What ``contract`` gave.
            column: Targets of the training split.
        """
        return ()
