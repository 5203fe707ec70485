"""What a task's predictions come to: beside their targets, by label, and as an export computes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from poolsweep.tasks.contract import Contract


@dataclass(frozen=True)
class Outcomes:
    """What a model said of some texts whose targets are known.

    Attributes:
        targets: Targets as the task has them: label ids (N,), a mark for each label (N, C), or scores (N,).
        predicted: The same of what was decided.
        outputs: What it was decided from: a probability for each label (N, C), or scores (N,); None = not read.
    """

    targets: np.ndarray
    predicted: np.ndarray
    outputs: np.ndarray | None


@dataclass(frozen=True)
class LabelCounts:
    """How many texts each name has; (C,) each.

    Attributes:
        right: Texts that have it and were said to.
        has: Texts that have it.
        said: Texts that were said to have it.
    """

    right: np.ndarray
    has: np.ndarray
    said: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Readout:
    """How what the task predicts follows from a linear layer: ``low + span · activation(factor · logits + shift)``.

    Attributes:
        problem_type: transformers' word for the task.
        activation: Over the names of a text, of each logit by itself, or none.
        contract: Target contract of the layer that ``factor`` and ``shift`` were folded into.
        factor: Scale of the logits; with ``shift`` folded into the layer of an export.
        shift: Added to the scaled logits.
        low: What the activation's 0 stands for.
        span: What lies between its 0 and its 1.
        thresholds: Probability from which on a text is said to have a name, one for each; empty where it is not so.
    """

    problem_type: Literal["single_label_classification", "multi_label_classification", "regression"]
    activation: Literal["softmax", "sigmoid", "none"]
    contract: Contract
    factor: float = 1.0
    shift: float = 0.0
    low: float = 0.0
    span: float = 1.0
    thresholds: tuple[float, ...] = ()
