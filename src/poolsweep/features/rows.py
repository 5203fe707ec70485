"""Batches of stored features of a frozen encoder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import Dataset

from poolsweep.data.batch import Batch
from poolsweep.data.ragged import padded, positions
from poolsweep.data.token_rows import TokenRows
from poolsweep.data.tokenise import TokenisedTexts
from poolsweep.pooling.windows import Windows

if TYPE_CHECKING:
    from poolsweep.features.requests import FeatureRequest

IN_MEMORY_BYTES = 2**30  # what a run reads again and again is copied into memory up to this size, else stays mapped


class FeatureRows(Dataset[Batch]):
    """The rows of a split as a frozen encoder left them; made by ``FeatureRequest.read``.

    Args:
        tokens: The split's token ids.
        request: What was stored, which makes pooled vectors of it.
        arrays: The stored arrays that are read, memory-mapped.
    """

    def __init__(self, tokens: TokenRows, request: FeatureRequest, arrays: Sequence[np.ndarray]) -> None:
        self._tokens = tokens
        self.request = request
        self.targets = tokens.targets
        self.row_ids = tokens.row_ids
        fits = sum(array.nbytes for array in arrays) <= IN_MEMORY_BYTES
        self._arrays = [np.array(array) if fits else array for array in arrays]

    @property
    @abstractmethod
    def lengths(self) -> np.ndarray | None:
        """Tokens of each text; None where each is a vector already."""

    @property
    def tokenised(self) -> TokenisedTexts:
        """The texts that the encoder read."""
        return self._tokens.tokenised

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])

    @abstractmethod
    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The rows at ``indices`` as one batch; the data loader calls it once per batch."""


class VectorRows(FeatureRows):
    """Vectors, a row of each array per text or per window."""

    @property
    def lengths(self) -> None:
        """None."""
        return None

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The rows at ``indices``, each a text of one token, or of windows of one token."""
        chosen, texts = np.asarray(indices), self.tokenised
        rows, windows = torch.from_numpy(chosen), None
        if texts.first is not None and self.request.per == "window":
            chosen, counts = positions(texts.first, chosen)
            windows = Windows.of(torch.from_numpy(counts), torch.from_numpy(texts.added[chosen]))
        return Batch(
            targets=self.targets[rows],
            row_ids=self.row_ids[rows],
            mask=torch.ones(len(chosen), 1, dtype=torch.bool),
            windows=windows,
            features=tuple(torch.from_numpy(array[chosen]) for array in self._arrays),
        )


class StateRows(FeatureRows):
    """Token states: (ΣT, H) of each array.

    Args:
        tokens: The split's token ids.
        request: What was stored.
        arrays: One array per layer.
        lengths: Tokens of each text, (N,).
    """

    def __init__(
        self, tokens: TokenRows, request: FeatureRequest, arrays: Sequence[np.ndarray], *, lengths: np.ndarray
    ) -> None:
        super().__init__(tokens, request, arrays)
        self._starts = np.concatenate([[0], np.cumsum(lengths)])

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text."""
        return self._tokens.lengths

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The rows at ``indices``, padded on the right."""
        batch = self._tokens.__getitems__(indices)
        flat, _ = positions(self._starts, np.asarray(indices))
        batch.features = tuple(padded(array[flat], batch.mask) for array in self._arrays)
        batch.input_ids = batch.token_type_ids = None
        return batch
