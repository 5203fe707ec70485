"""One finished run as a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from poolsweep.data import Batch
from poolsweep.predict.model import Model, Output, Reads
from poolsweep.training.load import LoadedRun

_TEXTS_AT_ONCE = 64


class RunModel(Model):
    """A run with its selected weights.

    Args:
        run: A finished run.
        name: What it is, for messages.
    """

    def __init__(self, run: LoadedRun, *, name: str) -> None:
        self.name, self.run = name, run
        data = run.config.data
        self.reads = Reads(
            task=run.config.task,
            labels=run.labels,
            text=str(data.get("text") or "text"),
            text_pair=data.get("text_pair"),
            max_length=run.max_length,
        )

    def predict(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """Probabilities, or what else the task predicts."""
        classifier = self.run.classifier
        return self._each(texts, pairs, lambda batch: self.reads.task.predicted(classifier(batch)))

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """Pooled vectors."""
        return self._each(texts, pairs, self.run.classifier.pool)

    def _each(self, texts: Sequence[str], pairs: Sequence[str] | None, run: Callable[[Batch], Tensor]) -> Output:
        found = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            chosen = slice(start, start + _TEXTS_AT_ONCE)
            batch = self.run.batch(texts[chosen], None if pairs is None else pairs[chosen])
            with torch.inference_mode():
                found.append(run(batch).float().numpy())
        return Output(np.concatenate(found), np.zeros(len(texts), dtype=bool))
