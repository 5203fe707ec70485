"""A dense layer per token, then the mean."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from poolsweep.pooling.base import PoolingContext, TokenPooling
from poolsweep.pooling.functional import masked_mean, zero_padding


class Late(TokenPooling):
    """The mean over real tokens of a dense layer and GELU of each ("late" pooling).

    ``mean_t GELU(W x[t] + b)``. A linear head behind it gives the mean of the tokens' own logits, as in its source;
    without the activation it would equal the mean. Zeros for an all-padding row.

    Args:
        input_size: Size of a token's vector.
        include_special: False leaves special tokens out, unless a row has nothing else.
    Shape:
        hidden (B, T, H) float; mask (B, T) bool, True = real token; returns (B, H).
    Reference:
        Boizard et al. (2025), "EuroBERT", arXiv:2503.05500; transformers' ``EuroBertForSequenceClassification`` with
        ``classifier_pooling="late"``. Differs: zeros, not NaN, for an all-padding row; the head's weights come after
        the mean, which is the same.
    Example:
        >>> import torch
        >>> pooling = Late(input_size=2)
        >>> pooling(torch.ones(1, 3, 2), torch.tensor([[True, True, False]]), PoolingContext()).shape
        torch.Size([1, 2])
    """

    formula: ClassVar[str] = "mean_t GELU(W x[t] + b)"
    source: ClassVar[str] = "Boizard 2025, arXiv:2503.05500"

    def __init__(self, *, input_size: int, include_special: bool = True) -> None:
        super().__init__(input_size=input_size, include_special=include_special)
        self.dense = nn.Linear(input_size, input_size)
        self.activation = nn.GELU()

    def forward(self, hidden: Tensor, mask: Tensor, context: PoolingContext) -> Tensor:
        """Transform each token, then average."""
        kept = self.kept(mask, context)
        return masked_mean(self.activation(self.dense(zero_padding(hidden, kept))), kept)
