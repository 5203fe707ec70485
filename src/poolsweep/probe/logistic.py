"""Several labels per text: a logistic regression for each label, solved together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from poolsweep.probe.objective import Objective


class Logistic(Objective):
    """The weighted mean binary cross-entropy, added up over the labels.

    Each label's head is scikit-learn's ``LogisticRegression(C=1 / (penalty · rows))`` of that label against the rest.
    A label that every row has, or none, has no such head: the bias that makes its loss smallest is infinite. It gets a
    bias alone, as if one text in so many more had half of it.

    Args:
        marks: (N, C) of 0 and 1, the labels of each row.
        weights: (N,) float64 of each row in the mean; they sum to 1.
        positive: (C,) weight of the rows that have a label, against those that have not; None = 1.
    """

    def __init__(self, marks: Tensor, weights: Tensor, *, positive: Tensor | None = None) -> None:
        self.marks, self.weights, self.num_outputs = marks.T.contiguous(), weights, marks.shape[1]
        count = self.marks.sum(dim=1, dtype=torch.int64)
        self._fixed = (count == 0) | (count == len(marks))
        odds = torch.log((count.double() + 0.5) / (len(marks) - count.double() + 0.5))
        self._bias = torch.where(self._fixed, odds, 0.0)
        self._free = ~self._fixed[:, None]
        self._extra = None if positive is None else 1 + (positive.to(weights)[:, None] - 1) * self.marks

    def start(self, size: int) -> Tensor:
        """Zeros, and the biases of the labels that have nothing else."""
        found = torch.zeros(self.num_outputs, size + 1, dtype=torch.float64)
        found[:, -1] = self._bias.cpu()
        return found

    def loss(self, outputs: Tensor) -> float:
        """The weighted mean of each label's, added up; logits (C, N)."""
        losses = F.binary_cross_entropy_with_logits(outputs, self.marks.to(outputs.dtype), reduction="none")
        return float(torch.mv(self._weighted(losses.double()), self.weights).sum())

    def shown(self, loss: float) -> float:
        """The mean over the labels."""
        return loss / self.num_outputs

    def residual(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Probability minus target, weighted; 0 of labels that have a bias alone."""
        probabilities = torch.sigmoid(outputs)
        return self._weighted(probabilities - self.marks) * self._shares(outputs), probabilities

    def bend(self, probabilities: Tensor, change: Tensor) -> float:
        """The change squared times ``p (1 - p)``, as a weighted mean, added up over the labels."""
        bent = self._weighted(probabilities * (1 - probabilities)) * change.square()
        return float(torch.dot(bent.sum(dim=0).double(), self.weights))

    def curvature(self, probabilities: Tensor) -> float:
        """Mean over rows and labels of ``p (1 - p)``."""
        bent = self._weighted(probabilities * (1 - probabilities)).mean(dim=0)
        return float(torch.dot(bent.double(), self.weights))

    def coupled(self, probabilities: Tensor, *, sample: Tensor, every: int) -> Tensor:
        """Each label for itself."""
        weights = self.weights[::every]
        bent = self._weighted(probabilities * (1 - probabilities))[:, ::every] * (weights / weights.sum())
        return torch.einsum("cn,nk,nl->ckl", bent.to(sample.dtype), sample, sample)

    def most_change(self, change: Tensor) -> float:
        """A probability's slope by its logit is at most 1/4."""
        return float(change.abs().max()) / 4

    def _weighted(self, values: Tensor) -> Tensor:
        return values if self._extra is None else values * self._extra.to(values.dtype)

    def _shares(self, outputs: Tensor) -> Tensor:
        return self.weights.to(outputs.dtype) * self._free
