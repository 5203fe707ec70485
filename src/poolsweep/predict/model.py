"""A trained model that reads texts, whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from poolsweep.errors import UserError
from poolsweep.tasks import Contract, Task


@dataclass(frozen=True, kw_only=True)
class Reads:
    """What a model reads, whoever runs it.

    Attributes:
        text: Name of the column with the text, in the files that it was trained on.
        text_pair: Name of the column with the second text; None where it reads single texts.
        max_length: In tokens.
        label: Name of the column with the label, or of several: one of 0 and 1 for each label.
        two_towers: Whether each text of a pair has a vector of its own.
    """

    text: str = "text"
    text_pair: str | None = None
    max_length: int
    label: str | Sequence[str] = "label"
    two_towers: bool = False

    @property
    def of_vectors(self) -> Reads:
        """What is read to make vectors: with two towers single texts, those of either column."""
        return replace(self, text_pair=None) if self.two_towers else self

    def check(self, texts: Sequence[str], pairs: Sequence[str] | None) -> None:
        """Refuse pairs where single texts are read, and the other way round.

        Raises:
            UserError: With what is read.
        """
        if (self.text_pair is None) != (pairs is None):
            column = self.text_pair
            asked = f"pairs of texts ({column!r} is the second): give both" if column else "single texts, not pairs"
            raise UserError(f"the model reads {asked}")
        if pairs is not None and len(pairs) != len(texts):
            raise UserError(f"each text needs its second, got {len(pairs):,} for {len(texts):,} texts")


@dataclass(frozen=True)
class Output:
    """What a model makes of some texts, in their order.

    Attributes:
        values: Predictions (N, C), or vectors (N, D); float32.
        truncated: (N,) bool, whether a text was cut to the maximum length.
    """

    values: np.ndarray
    truncated: np.ndarray


class VectorModel(ABC):
    """What makes a vector of a text: a trained model, or an encoder and a pooling that were never trained together.

    Attributes:
        name: What it is, for messages: a path, or ``study:pooling``.
        reads: What it reads.
    """

    name: str
    reads: Reads

    @property
    @abstractmethod
    def identity(self) -> str:
        """A hash of all that can change its output: weights, options, tokenizer, labels, device and precision."""

    @abstractmethod
    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """The pooled vector of each text, (N, D), before post-processing and head.

        Args:
            texts: Any number that fits into memory; they are sorted by length and packed.
            pairs: The second text of each, where it reads both as one input.
        Raises:
            UserError: If it has no single pooled vector: several runs together. If it reads pairs and gets none, or
                the other way round.
        """


def known_metrics(task: Task, names: object) -> tuple[str, ...]:
    """Those of some metrics that a task scores texts by; its usual ones where there are none.

    Args:
        task: The model's.
        names: What a config or a record says, perhaps a stranger's.
    """
    given = names if isinstance(names, list | tuple) else []
    return tuple(name for name in task.metrics if name in given) or task.default_metrics


class Model(VectorModel):
    """A trained model: a run, a refit, the replicates of a contender together, or an export.

    Attributes:
        task: Says what predictions are.
        contract: Logit i is ``contract.names[i]``.
        metrics: Metrics that it was trained and selected by, those that the task measures.
    """

    task: Task
    contract: Contract
    metrics: tuple[str, ...]

    @property
    def measured(self) -> tuple[str, ...]:
        """Metrics of an evaluation."""
        return tuple(dict.fromkeys([*self.metrics, *self.task.also_evaluated]))

    @abstractmethod
    def predict(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Output:
        """What the task predicts of each text, (N, C): probabilities for a classification.

        Args:
            texts: Texts, as ``encode`` takes them.
            pairs: The second text of each, where it reads pairs.
        Raises:
            UserError: If it reads pairs and gets none, or the other way round.
        """
