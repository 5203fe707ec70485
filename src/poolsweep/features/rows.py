"""Batches of stored states of a frozen encoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from poolsweep.data.batch import Batch
from poolsweep.data.token_rows import TokenRows
from poolsweep.data.tokenise import TokenisedSplit
from poolsweep.features.requests import FeatureRequest
from poolsweep.features.store import FeatureStore

IN_MEMORY_BYTES = 2**30  # what a run reads again and again is copied into memory up to this size, else stays mapped


class FeatureRows(Dataset[Batch]):
    """The rows of a split as a frozen encoder left them.

    Args:
        store: Holds the arrays that ``request`` names.
        request: What the pooling reads.
    """

    def __init__(self, store: FeatureStore, request: FeatureRequest) -> None:
        self._tokens: TokenRows = store.rows
        self._kind = request.kind
        self.labels = self._tokens.labels
        self.row_ids = self._tokens.row_ids
        arrays = [store.array(name) for name in request.arrays]
        if request.kind == "states":
            self._starts = np.concatenate([[0], np.cumsum(arrays[0])])
            arrays = arrays[1:]
        elif request.kind == "vectors":
            arrays = [arrays[0][:, layer] for layer in request.layers]
        fits = sum(array.nbytes for array in arrays) <= IN_MEMORY_BYTES
        self._arrays = [np.array(array) if fits else array for array in arrays]

    @property
    def are_vectors(self) -> bool:
        """Whether each text is a vector per layer already, rather than token states."""
        return self._kind != "states"

    @property
    def lengths(self) -> np.ndarray | None:
        """Tokens of each text; None where each is a vector already."""
        return None if self.are_vectors else self._tokens.lengths

    @property
    def tokenised(self) -> TokenisedSplit:
        """The texts that the encoder read."""
        return self._tokens.tokenised

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The rows at ``indices`` as one batch; the data loader calls it once per batch."""
        if self._kind == "states":
            return self._states(indices)
        chosen = np.asarray(indices)
        rows = torch.from_numpy(chosen)
        batch = Batch(
            labels=self.labels[rows], row_ids=self.row_ids[rows], mask=torch.ones(len(chosen), 1, dtype=torch.bool)
        )
        found = tuple(torch.from_numpy(array[chosen]) for array in self._arrays)
        if self._kind == "pooler":
            batch.pooler_output = found[0]
        else:
            batch.hidden = found
        return batch

    def _states(self, indices: Sequence[int]) -> Batch:
        batch = self._tokens.__getitems__(indices)
        batch.hidden = tuple(self._padded(array, indices, batch.mask) for array in self._arrays)
        batch.input_ids = batch.token_type_ids = None
        return batch

    def _padded(self, array: np.ndarray, indices: Sequence[int], mask: Tensor) -> Tensor:
        padded = torch.zeros(*mask.shape, array.shape[-1])
        for row, index in enumerate(indices):
            start, end = self._starts[index], self._starts[index + 1]
            padded[row, : end - start] = torch.from_numpy(np.array(array[start:end]))
        return padded
