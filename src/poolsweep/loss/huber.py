"""The Huber loss: far errors count by their size, not by its square."""

from __future__ import annotations

from torch import nn

from poolsweep.bounds import PositiveFloat


class Huber(nn.HuberLoss):
    """torch's ``HuberLoss``, the mean over the texts: ``e² / 2`` up to delta, ``delta · (|e| - delta / 2)`` beyond.

    With ``task=regression`` scores are standardised, so that ``delta`` counts standard deviations of the training
    scores: outliers pull less than with ``mse``.

    Args:
        delta: Error from which on it grows linearly.
    Shape:
        predicted, targets (B,); returns a scalar.
    Reference:
        Huber (1964), "Robust Estimation of a Location Parameter". Differs: none.
    Example:
        >>> import torch
        >>> Huber(delta=1.0)(torch.tensor([0.0, 0.0]), torch.tensor([1.0, 3.0]))
        tensor(1.5000)
    """

    def __init__(self, *, delta: PositiveFloat) -> None:
        super().__init__(delta=delta)
