"""The mean cross-entropy of a softmax, in which texts may count by their label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from poolsweep.bounds import Share
from poolsweep.loss.loss import BALANCED, Loss, Weights, by_id, check_names
from poolsweep.tasks import Contract


class ClassLoss(Loss):
    """A loss of one label per text with a weight for each label; the mean divides by the summed weights.

    Args:
        weight: What a text of each label counts. ``balanced``: the number of training texts by the number of those of
            its label and the number of labels, as in scikit-learn. By name: a label that is not named counts 1.
    """

    instead: ClassVar[Mapping[str, str]] = {
        "reduction": "a loss is the mean over texts", "size_average": "a loss is the mean over texts",
        "reduce": "a loss is the mean over texts", "ignore_index": "every text has a label",
        "class_weight": "loss.weight=balanced, or by name, weighs labels",
        "class_weights": "loss.weight=balanced, or by name, weighs labels",
        "pos_weight": "it is an option of loss=binary_cross_entropy; here loss.weight weighs labels",
        "alpha": "loss.weight=balanced, or by name, weighs labels",
        "smoothing": "loss.label_smoothing=… spreads a share of the target",
    }  # fmt: skip

    weight: Tensor | None

    def __init__(self, *, weight: Weights = None) -> None:
        super().__init__()
        self.asked = weight
        self.register_buffer("weight", None, persistent=False)

    def check(self, contract: Contract) -> None:
        """Names of weights must be labels."""
        check_names("loss.weight", self.asked, contract.names)

    def fit(self, contract: Contract, targets: np.ndarray) -> None:
        """Decide the weight of each label id."""
        if self.asked == BALANCED:
            counts = np.bincount(targets, minlength=len(contract))
            even = len(targets) / (len(contract) * np.maximum(counts, 1))
            self.weight = torch.from_numpy(np.where(counts > 0, even, 1.0)).float()
        elif isinstance(self.asked, Mapping):
            self.check(contract)
            self.weight = by_id(self.asked, contract.names)

    def weights_of(self, targets: Tensor) -> Tensor | None:
        """The weight of each text's label, (B,)."""
        return None if self.weight is None else self.weight.to(targets.device)[targets]


class CrossEntropy(ClassLoss):
    """torch's ``CrossEntropyLoss``, averaged over the texts of a step, whatever processes and batches share them.

    Args:
        weight: What a text of each label counts: balanced, or weights by label name; see ``ClassLoss``.
        label_smoothing: Share of the target that is spread evenly over all labels.
    Shape:
        logits (B, C); labels (B,); returns a scalar.
    Example:
        >>> import torch
        >>> CrossEntropy()(torch.zeros(2, 4), torch.tensor([0, 3]))
        tensor(1.3863)
    """

    def __init__(self, *, weight: Weights = None, label_smoothing: Share = 0.0) -> None:
        super().__init__(weight=weight)
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The mean over the texts."""
        weight = None if self.weight is None else self.weight.to(logits)
        return F.cross_entropy(logits, labels, weight=weight, label_smoothing=self.label_smoothing)
