"""Dropout and a linear layer, as in BertForSequenceClassification."""

from __future__ import annotations

from torch import Tensor, nn

from poolsweep.bounds import Probability


class Linear(nn.Module):
    """``logits = W dropout(x) + b``.

    Weights start normal with the encoder's ``initializer_range``, biases at zero.

    Args:
        input_size: D.
        num_labels: C; logit i is label id i.
        dropout: Probability; ``build`` passes the encoder's own where the config says null.
        initializer_range: Standard deviation of the initial weights.
    Shape:
        pooled (B, D); returns logits (B, C).
    Reference:
        transformers' ``BertForSequenceClassification``. Differs: none.
    Example:
        >>> import torch
        >>> Linear(input_size=4, num_labels=3, dropout=0.1, initializer_range=0.02)(torch.zeros(2, 4)).shape
        torch.Size([2, 3])
    """

    def __init__(
        self,
        *,
        input_size: int,
        num_labels: int,
        dropout: Probability | None,
        initializer_range: float,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.0 if dropout is None else dropout)
        self.classifier = nn.Linear(input_size, num_labels)
        nn.init.normal_(self.classifier.weight, std=initializer_range)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """Compute the logits."""
        return self.classifier(self.dropout(pooled))
