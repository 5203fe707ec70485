"""The mean binary cross-entropy of several labels a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from poolsweep.loss.loss import BALANCED, Loss, Weights, by_id, check_names
from poolsweep.tasks import Contract


class BinaryCrossEntropy(Loss):
    """torch's ``BCEWithLogitsLoss``: the mean over texts and labels.

    Args:
        pos_weight: What the texts that have a label count against those that have not. ``balanced``: as many as there
            are of the others for each, in the training split. By name: a label that is not named counts 1. As in
            torch, the mean divides by the number of texts and labels.
    Shape:
        logits (B, C); marks (B, C) of 0 and 1; returns a scalar.
    Example:
        >>> import torch
        >>> BinaryCrossEntropy()(torch.zeros(1, 2), torch.tensor([[1, 0]]))
        tensor(0.6931)
    """

    instead: ClassVar[Mapping[str, str]] = {
        "reduction": "a loss is the mean over texts and labels",
        "weight": "loss.pos_weight=balanced, or by name, weighs the texts that have a label",
        "pos_weights": "loss.pos_weight=balanced, or by name, weighs the texts that have a label",
        "class_weight": "loss.pos_weight=balanced, or by name, weighs the texts that have a label",
    }

    pos_weight: Tensor | None

    def __init__(self, *, pos_weight: Weights = None) -> None:
        super().__init__()
        self.asked = pos_weight
        self.register_buffer("pos_weight", None, persistent=False)

    def check(self, contract: Contract) -> None:
        """Names of weights must be labels."""
        check_names("loss.pos_weight", self.asked, contract.names)

    def fit(self, contract: Contract, targets: np.ndarray) -> None:
        """Decide the weight of each label id."""
        if self.asked == BALANCED:
            have = targets.sum(axis=0, dtype=np.int64)
            others = np.where((have > 0) & (have < len(targets)), (len(targets) - have) / np.maximum(have, 1), 1.0)
            self.pos_weight = torch.from_numpy(others).float()
        elif isinstance(self.asked, Mapping):
            self.check(contract)
            self.pos_weight = by_id(self.asked, contract.names)

    def forward(self, logits: Tensor, marks: Tensor) -> Tensor:
        """The mean over texts and labels."""
        weight = None if self.pos_weight is None else self.pos_weight.to(logits)
        return F.binary_cross_entropy_with_logits(logits, marks.to(logits.dtype), pos_weight=weight)
