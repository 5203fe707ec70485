"""The mean cross-entropy of a softmax."""

from __future__ import annotations

from torch import nn

from poolsweep.bounds import Share


class CrossEntropy(nn.CrossEntropyLoss):
    """torch's ``CrossEntropyLoss`` with the options by which a mean over batches is the mean over texts.

    Other reductions, ignored labels and weights of labels are left out: accumulated steps, several devices and the
    losses of validation and test would weigh texts by the batch that they are in.

    Args:
        label_smoothing: Share of the target that is spread evenly over all labels.
    Shape:
        logits (B, C); labels (B,); returns a scalar.
    Example:
        >>> import torch
        >>> CrossEntropy()(torch.zeros(2, 4), torch.tensor([0, 3]))
        tensor(1.3863)
    """

    def __init__(self, *, label_smoothing: Share = 0.0) -> None:
        super().__init__(label_smoothing=label_smoothing)
