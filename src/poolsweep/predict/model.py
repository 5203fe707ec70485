"""A trained model that reads texts, whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poolsweep.tasks import Task
from poolsweep.tasks.labels import Labels


@dataclass(frozen=True, kw_only=True)
class Reads:
    """What a model reads and what it says, whoever runs it.

    Attributes:
        task: Says what predictions are.
        labels: Logit i is ``labels.names[i]``.
        text: Name of the column with the text, in the files that it was trained on.
        text_pair: Name of the column with the second text; None where it reads single texts.
        max_length: In tokens.
    """

    task: Task
    labels: Labels
    text: str
    text_pair: str | None
    max_length: int


@dataclass(frozen=True)
class Output:
    """What a model makes of some texts, in their order.

    Attributes:
        values: Predictions (N, C), or vectors (N, D); float32.
        truncated: (N,) bool, whether a text was cut to the maximum length.
    """

    values: np.ndarray
    truncated: np.ndarray


class Model(ABC):
    """A trained model: a run, a refit, the replicates of a contender together, or an export.

    Attributes:
        name: What it is, for messages: a path, or ``study:pooling``.
        reads: What it reads and what it says.
    """

    name: str
    reads: Reads

    @abstractmethod
    def predict(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """What the task predicts of each text, (N, C): probabilities for a classification.

        Args:
            texts: As many as fit into memory at once; they are sorted by length and packed.
            pairs: The second text of each, where it reads pairs.
        Raises:
            UserError: If it reads pairs and gets none, or the other way round.
        """

    @abstractmethod
    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """The pooled vector of each text, (N, D), before post-processing and head.

        Args:
            texts: As ``predict`` takes them.
            pairs: The second text of each, where it reads pairs.
        Raises:
            UserError: If it has no single pooled vector: several runs together.
        """
