"""The mean squared error."""

from __future__ import annotations

from torch import nn


class MSE(nn.MSELoss):
    """torch's ``MSELoss``, the mean over the texts: a text counts the square of its error.

    With ``task=regression`` scores are standardised by mean and standard deviation of the training split.

    Shape:
        predicted, targets (B,); returns a scalar.
    Example:
        >>> import torch
        >>> MSE()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(2.)
    """

    def __init__(self) -> None:
        super().__init__()
