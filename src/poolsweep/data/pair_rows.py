"""Batches of pairs whose texts are an input each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from poolsweep.data.batch import Batch


class Lengths(Protocol):
    """How long the inputs of some rows are; ``TokenisedTexts`` are so."""

    @property
    def row_ids(self) -> np.ndarray:
        """(N,) int64, each row in its source, 0 = first after the header."""
        ...

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row; (N,) int64."""
        ...

    @property
    def truncated(self) -> np.ndarray:
        """(N,) bool, whether a text of the row was cut."""
        ...

    @property
    def truncated_share(self) -> float:
        """Share of the rows with a text that was cut, 0 to 1."""
        ...

    @property
    def mean_windows(self) -> float | None:
        """Windows of a row on average; None where none are read."""
        ...


class InputRows(Protocol):
    """Rows of one input each: ``TokenRows``, or ``FeatureRows``."""

    targets: Tensor
    row_ids: Tensor

    @property
    def lengths(self) -> np.ndarray | None:
        """Tokens of each row; None where each is a vector already."""
        ...

    @property
    def tokenised(self) -> Lengths:
        """Their token ids."""
        ...

    def __len__(self) -> int: ...

    def __getitems__(self, indices: Sequence[int]) -> Batch: ...


Rows = TypeVar("Rows", bound=InputRows)


@dataclass(frozen=True)
class PairLengths:
    """How long both texts of each pair are together.

    Attributes:
        first: Lengths of the first texts.
        second: Lengths of the second texts.
    """

    first: Lengths
    second: Lengths

    @property
    def row_ids(self) -> np.ndarray:
        """(N,) int64, each pair's row in its source, 0 = first after the header."""
        return self.first.row_ids

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of both texts; (N,) int64."""
        return self.first.lengths + self.second.lengths

    @property
    def truncated(self) -> np.ndarray:
        """(N,) bool, whether one of the texts was cut."""
        return self.first.truncated | self.second.truncated

    @property
    def truncated_share(self) -> float:
        """Share of the pairs of which a text was cut, 0 to 1."""
        return float(self.truncated.mean()) if len(self.truncated) else 0.0

    @property
    def mean_windows(self) -> float | None:
        """Windows of both texts on average; None where none are read."""
        one, two = self.first.mean_windows, self.second.mean_windows
        return None if one is None or two is None else one + two


class PairRows(Dataset[Batch], Generic[Rows]):
    """The pairs of a split, fetched a batch at a time: first all first texts, then all second texts.

    Args:
        first: Rows of the first texts.
        second: Rows of the second texts, in the same order.
        pad_token_id: What padding is filled with; the mask hides it.
    """

    def __init__(self, first: Rows, second: Rows, *, pad_token_id: int) -> None:
        self.first, self.second = first, second
        self.targets, self.row_ids = first.targets, first.row_ids
        self.pad_token_id = pad_token_id

    @property
    def tokenised(self) -> PairLengths:
        """How long they are."""
        return PairLengths(self.first.tokenised, self.second.tokenised)

    @property
    def lengths(self) -> np.ndarray | None:
        """Tokens of both texts; None where each is a vector already."""
        one, two = self.first.lengths, self.second.lengths
        return None if one is None or two is None else one + two

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The pairs at ``indices`` as one batch; the data loader calls it once per batch."""
        first, second = self.first.__getitems__(indices), self.second.__getitems__(indices)
        return first.beside(second, fill=self.pad_token_id)
