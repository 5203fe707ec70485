"""The vectors that a head reads, block by block, from a split's stored features."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from poolsweep.data.batch import Batch
from poolsweep.device import on_device
from poolsweep.features.rows import IN_MEMORY_BYTES, FeatureRows
from poolsweep.model.classifier import Classifier

_BLOCK_ROWS = 4096


class Vectors:
    """Post-processed vectors of some rows; kept in memory if they fit, else computed anew in every pass.

    Args:
        rows: Stored features of a split.
        classifier: Classifier whose pooling and post-processing make the vectors, on their device.
        indices: Which rows, and how often; None = all, in file order.
    """

    def __init__(self, rows: FeatureRows, classifier: Classifier, *, indices: np.ndarray | None = None) -> None:
        self._rows = rows
        self._classifier = classifier
        self._indices = np.arange(len(rows)) if indices is None else indices
        first = next(chain(classifier.parameters(), classifier.buffers()), None)
        self._device = torch.device("cpu") if first is None else first.device
        self.targets = on_device(rows.targets[torch.from_numpy(self._indices)], self._device)
        self._kept: Tensor | None = None

    def pooled(self) -> Iterator[Tensor]:
        """Vectors before post-processing, (n, D) each."""
        for start in range(0, len(self._indices), _BLOCK_ROWS):
            batch = self._rows.__getitems__(self._indices[start : start + _BLOCK_ROWS])  # type: ignore[arg-type]
            with torch.no_grad():
                yield self._classifier.pool(batch.to(self._device)).float()

    def blocks(self) -> Iterator[Tensor]:
        """Vectors as the head reads them, (n, D) each."""
        post = self._classifier.postprocess
        if self._kept is None:
            blocks = (post(block) for block in self.pooled())
            if 4 * post.output_size * len(self._indices) > IN_MEMORY_BYTES:
                with torch.no_grad():
                    yield from blocks
                return
            with torch.no_grad():
                self._kept = torch.cat(list(blocks))
        yield self._kept

    def identified(self) -> Batch:
        """Targets and row ids of all rows, without vectors."""
        chosen = torch.from_numpy(self._indices)
        return Batch(
            self._rows.targets[chosen], self._rows.row_ids[chosen], torch.ones(len(chosen), 1, dtype=torch.bool)
        )
