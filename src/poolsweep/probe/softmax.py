"""One label per text: the cross-entropy of a softmax."""

from __future__ import annotations

import torch
from torch import Tensor

from poolsweep.probe.objective import Objective


class Softmax(Objective):
    """The weighted mean cross-entropy of a softmax over the labels.

    Args:
        labels: (N,) int64 label ids.
        weights: (N,) float64 of each row in the mean; they sum to 1.
        num_labels: C.
        smoothing: Label smoothing, 0 to 1: the share of a row's target that is spread over all labels.
    """

    def __init__(self, labels: Tensor, weights: Tensor, *, num_labels: int, smoothing: float = 0.0) -> None:
        self.labels, self.weights, self.num_outputs, self.smoothing = labels, weights, num_labels, smoothing

    def start(self, size: int) -> Tensor:
        """Zeros."""
        return torch.zeros(self.num_outputs, size + 1, dtype=torch.float64)

    def loss(self, outputs: Tensor) -> float:
        """The weighted mean cross-entropy; logits (C, N)."""
        spread = self.smoothing * outputs.mean(dim=0) if self.smoothing else 0.0
        chosen = outputs.gather(0, self.labels[None])[0]
        losses = torch.logsumexp(outputs, dim=0) - (1 - self.smoothing) * chosen - spread
        return float(torch.dot(losses.double(), self.weights))

    def shown(self, loss: float) -> float:
        """The loss itself."""
        return loss

    def residual(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Probability minus target, weighted."""
        probabilities = torch.softmax(outputs, dim=0)
        residual = probabilities - self.smoothing / self.num_outputs
        hit = residual.new_full((1, 1), self.smoothing - 1).expand(1, len(self.labels))
        residual.scatter_add_(0, self.labels[None], hit)
        return residual.mul_(self.weights.to(outputs.dtype)), probabilities

    def bend(self, probabilities: Tensor, change: Tensor) -> float:
        """The variance of the change under the probabilities, as a weighted mean."""
        moved = probabilities * change
        spread = (moved * change).sum(dim=0) - moved.sum(dim=0).square()
        return float(torch.dot(spread.double(), self.weights))

    def curvature(self, probabilities: Tensor) -> float:
        """Mean over rows and labels of ``p (1 - p)``."""
        bend = (probabilities * (1 - probabilities)).mean(dim=0)
        return float(torch.dot(bend.double(), self.weights))

    def coupled(self, probabilities: Tensor, *, sample: Tensor, every: int) -> Tensor:
        """All labels in one group."""
        weights, probabilities = self.weights[::every], probabilities[:, ::every]
        weights = (weights / weights.sum()).to(sample.dtype)
        size = sample.shape[1]
        spread = ((weights.sqrt() * probabilities)[:, None] * sample.T).flatten(0, 1)
        found = -(spread @ spread.T)
        for label, weighted in enumerate(probabilities * weights):
            own = slice(label * size, (label + 1) * size)
            found[own, own] += (sample.T * weighted) @ sample
        return found[None]

    def most_change(self, change: Tensor) -> float:
        """A probability's slope by its logit against the others is at most 1/4."""
        return float((change.amax(dim=0) - change.amin(dim=0)).max()) / 4
