"""Cross-entropy for what is not learnt yet."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from poolsweep.bounds import NonNegativeFloat
from poolsweep.loss.cross_entropy import ClassLoss
from poolsweep.loss.loss import Weights


class Focal(ClassLoss):
    """Cross-entropy in which a text counts less, the surer the model is of its label.

    ``mean((1 - p)^γ · -log p)``, where p is the probability of the right label.

    Args:
        gamma: γ, how fast sure texts stop to count; 0 gives the cross-entropy.
        weight: What a text of each label counts: balanced, or weights by label name; see ``ClassLoss``.
    Shape:
        logits (B, C); labels (B,); returns a scalar.
    Reference:
        Lin et al. (2017), "Focal Loss for Dense Object Detection", arXiv:1708.02002, eq. 4 and 5. Differs: α is a
        weight of each label, and divides.
    Example:
        >>> import torch
        >>> Focal(gamma=2.0)(torch.zeros(2, 2), torch.tensor([0, 1]))
        tensor(0.1733)
    """

    def __init__(self, *, gamma: NonNegativeFloat, weight: Weights = None) -> None:
        super().__init__(weight=weight)
        self.gamma = gamma

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The mean over the texts."""
        log_p = F.log_softmax(logits, dim=-1).gather(1, labels[:, None])[:, 0]
        unsure = (1 - log_p.exp()).clamp(min=1e-8)  # a power below 1 has no derivative at 0
        losses, weights = unsure**self.gamma * -log_p, self.weights_of(labels)
        return losses.mean() if weights is None else (losses * weights).sum() / weights.sum()
